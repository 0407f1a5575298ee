"""The studio: a web page that talks to the public HTTP API, and to nothing else."""
