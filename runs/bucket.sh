#!/bin/sh
# Copy a run to a bucket (mounted as a folder), so that whatever is there can be gone on with.
#   runs/bucket.sh RUN BUCKET
# A bucket knows no rename, so a snapshot's run.json, without which nobody takes it for one, is copied last.
set -eu
run=$1 bucket=$2
mkdir -p "$bucket"
whole=$(cd "$run" && find . -path '*/states/step-*/run.json' | sort)  # what is finished now
(cd "$run" && find . -type f ! -path '*/states/*' ! -name '.*' ! -name '*.tmp') | while read -r file; do
    if [ ! -e "$bucket/$file" ] || [ "$run/$file" -nt "$bucket/$file" ]; then
        mkdir -p "$bucket/$(dirname "$file")"
        cp "$run/$file" "$bucket/$file" || echo "$file is gone meanwhile" >&2
    fi
done
for about in $whole; do
    snapshot=$(dirname "$about")
    [ -e "$bucket/$about" ] && continue
    mkdir -p "$bucket/$snapshot"
    cp "$run/$snapshot"/*.safetensors "$bucket/$snapshot/" && cp "$run/$about" "$bucket/$about"
done
(cd "$bucket" && find . -path '*/states/step-*' -type d) | while read -r snapshot; do
    newer=$(cd "$bucket" && find "$(dirname "$snapshot")" -name run.json | sort | awk -v at="$snapshot/run.json" '$0 > at' | wc -l)
    [ "$newer" -lt 2 ] || rm -r "${bucket:?}/$snapshot"
done
