"""Frames -> finer frames."""
