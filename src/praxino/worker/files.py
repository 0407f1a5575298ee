"""The files of a job in the making, in its folder and, below its id, in the storage."""

FILM, THUMBNAIL, SHEET, PREVIEW, PARTS = "film.mp4", "thumbnail.webp", "spritesheet.jpg", "preview.jpg", "parts"
SO_FAR = "preview.mp4"
"""The film so far, as the storage has it."""
