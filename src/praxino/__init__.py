"""Praxino makes video from words, pictures and clips, on your own machine."""

__version__ = "0.1.0"
