"""Pictures and clips, in and out of files."""
