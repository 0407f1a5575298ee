"""From a recipe to a checkpoint: data, batches, optimiser, loop."""
