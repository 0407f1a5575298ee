"""Figures from tracks and frames; each function says what it measures, in which units, and after whom."""
