#!/usr/bin/env bash
# The life of `pocket`, the model that ships, in order: about two and a half hours of two CPU cores that have bfloat16, no GPU.
# The weights that ship took some detours on the way (docs/log.md, 2026-11-25); this is the way without them.
#   runs/pocket.sh [FOLDER]
# Start it again after an interruption: finished stages are skipped, the one that was cut off goes on from its last save.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
into=${1:-runs/pocket}

# Keep large buffers mapped between steps: torch trains about 1.4 times as fast on a CPU (docs/log.md).
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592

stage() { # a name, what to train, minutes: each stage once
    if [ -e "$into/.$1-done" ]; then return; fi
    train "$2" "$3"
    touch "$into/.$1-done"
}
train() { # what, minutes
    local resume=()
    if [ -e "$into/autoencoder/config.json" ]; then resume=(--resume); fi
    nice praxino train "$1" --into "$into" --minutes "$2" "${resume[@]}"
}

# 1. The encoder: principal components of the world's patches, solved in seconds, and fixed from here on
#    (docs/decisions/0002). One minute is all it gets, so the decoder is still nothing but the transpose.
stage components autoencoder 1

# 2. The world rendered and encoded once (ten minutes), then the transformer: stills first, then clips.
#    $into/samples-*.png shows the same prompts every ten minutes, $into/flow/curve.png the loss.
stage flow pocket 130

# 3. The decoder, which learns what the transpose misses. Latents and transformer stay valid.
stage decoder autoencoder 15

# 4. Both together, in bfloat16, as one folder.
train pocket 0.1

# 5. Put it where `--model pocket` looks, and see whether it does what it says.
shipped=src/praxino/weights/pocket
mkdir -p "$shipped" docs/gallery
cp "$into"/pocket/{weights.safetensors,config.json,tokenizer.json} "$shipped"
pytest tests/stories/test_shipped_model.py

# 6. The gallery.
python runs/gallery.py pocket docs/gallery
