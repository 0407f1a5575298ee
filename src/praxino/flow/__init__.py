"""Time, and nothing but time: path, clock, loss, sampling, guidance."""
