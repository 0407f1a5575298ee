"""Latents + time + text -> velocity: a block-causal diffusion transformer with the Wan block."""
