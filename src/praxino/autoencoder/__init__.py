"""Clip <-> latents: a chunk-causal video autoencoder."""
