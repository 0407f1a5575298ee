"""The HTTP server: OpenAI's video dialect, and more."""
