"""A small physical world that makes films of itself, with captions in two languages and the exact truth."""
