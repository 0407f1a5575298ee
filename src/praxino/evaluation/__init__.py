"""What a model and a machine can do, measured."""
