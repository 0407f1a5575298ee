#!/usr/bin/env bash
# The life of `pocket`, the model that ships, in order: about ten hours of two CPU cores that have bfloat16, no GPU.
# The weights that ship took some detours on the way (docs/log.md, 2026-11-25 to 27); this is the way without them.
#   runs/pocket.sh [FOLDER]
# Start it again after an interruption: it goes on from its last save, with what is left of the minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
into=${1:-runs/pocket}

# Keep large buffers mapped between steps: torch trains about 1.4 times as fast on a CPU (docs/log.md).
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592

# 1. The encoder (principal components, solved in seconds and fixed from here on), the decoder, the world rendered and encoded once, the
#    transformer (stills first, then clips), the critic that chooses among beginnings, the transformer once more with its guidance
#    folded in, and the decoder again, on latents as the transformer makes them. $into/samples-*.png shows the same prompts every ten
#    minutes, $into/flow/curve.png the loss.
mkdir -p "$into"
begun="$into/.begun"
[ -e "$begun" ] || date +%s > "$begun"
left=$((600 - ($(date +%s) - $(cat "$begun")) / 60))
if [ "$left" -gt 0 ]; then
    resume=()
    if [ -e "$into/autoencoder/config.json" ]; then resume=(--resume); fi
    nice praxino train pocket_cpu --into "$into" --minutes "$left" "${resume[@]}"
fi

# 2. Put it where `--model pocket` looks, and see whether it does what it says.
shipped=src/praxino/weights/pocket
mkdir -p "$shipped" docs/gallery
cp "$into"/pocket_cpu/{weights.safetensors,tokenizer.json} "$shipped"
sed 's/"name": "pocket_cpu"/"name": "pocket"/' "$into/pocket_cpu/config.json" > "$shipped/config.json"
pytest tests/stories/test_shipped_model.py

# 3. The gallery.
python runs/gallery.py pocket docs/gallery
