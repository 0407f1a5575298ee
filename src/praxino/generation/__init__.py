"""One generator: continue a clean prefix."""
