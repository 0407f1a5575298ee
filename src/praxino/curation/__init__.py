"""The data engine: from raw footage to a dataset that a model can learn from."""
