#!/usr/bin/env bash
# The whole line in miniature, some minutes on a CPU: look at the world, train on it, make a film.
# The film is squares of colour, no ball: three minutes of 64x48 pixels show that the line works, and teach nothing.
#   runs/tiny.sh [FOLDER] [MINUTES]
# Run it again and it goes on where it stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
into=${1:-runs/tiny}
minutes=${2:-3}

# Keep large buffers mapped between steps: torch trains about 1.4 times as fast on a CPU (docs/log.md).
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592

# 1. Some clips of the world, with captions and truth, to look at; training renders its own.
praxino world render --count 8 --into "$into/world" --seed 0 --seconds 2 --size 256x144 --as mp4

# 2. An autoencoder, latents, stills, then clips.
resume=()
if [ -e "$into/train/autoencoder/config.json" ]; then resume=(--resume); fi
praxino train tiny --into "$into/train" --minutes "$minutes" "${resume[@]}"

# 3. A film by what was trained.
praxino generate "a red ball rolls to the right on a plain grey floor" -o "$into/film.mp4" \
    --model "$into/train/tiny" --seconds 2 --seed 1 --sheet "$into/film.png"
echo "The film: $into/film.mp4   Its contact sheet: $into/film.png   The training's: $into/train"
