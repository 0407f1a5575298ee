"""Prompts -> (b, n, d): a small bilingual text encoder with its own vocabulary."""
