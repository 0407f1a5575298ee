"""Where media lie: a folder, or a bucket. Keys are paths with slashes, such as "video_1/film.mp4"."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import cast

import obstore
from obstore.store import LocalStore, ObjectStore, S3Store, from_url

from praxino.jobs.settings import Settings

SIGNED = timedelta(minutes=15)
PIECE = 8 * 2**20  # bytes


class Storage:
    """The media of a service."""

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError for an address that is none."""
        self.folder: Path | None = None
        if settings.storage is None:
            self.folder = settings.data.absolute() / "media"
            self.folder.mkdir(parents=True, exist_ok=True)
            self.store: ObjectStore = LocalStore(self.folder)
            return
        try:
            self.store = from_url(settings.storage)
        except (obstore.exceptions.BaseError, ValueError) as error:
            raise ValueError(f"PRAXINO_STORAGE_URL {settings.storage!r} cannot be used: {error}") from None

    def put(self, key: str, file: Path) -> None:
        """Keep a file, whole or not at all, in place of what was there."""
        with file.open("rb") as opened:
            obstore.put(self.store, key, opened, chunk_size=PIECE)

    def get(self, key: str, file: Path) -> None:
        """Write what is kept to a file. Raises FileNotFoundError where there is nothing."""
        try:
            pieces = obstore.get(self.store, key)
        except obstore.exceptions.NotFoundError:
            raise FileNotFoundError(key) from None
        with file.open("wb") as out:
            for piece in pieces:
                out.write(piece)

    def has(self, key: str) -> bool:
        """Whether something is kept there."""
        try:
            obstore.head(self.store, key)
        except (FileNotFoundError, obstore.exceptions.NotFoundError):
            return False
        return True

    def names(self, prefix: str) -> Iterator[str]:
        """The keys below a folder."""
        for batch in obstore.list(self.store, prefix=prefix):
            yield from (str(entry["path"]) for entry in batch)

    def remove(self, prefix: str) -> None:
        """Forget everything below a folder."""
        keys = list(self.names(prefix))
        if keys:
            obstore.delete(self.store, keys)
        if self.folder is not None:
            for folder in sorted((self.folder / prefix).glob("**/"), reverse=True):
                folder.rmdir()

    def path(self, key: str) -> Path | None:
        """The file itself where media lie in a folder of this machine."""
        return None if self.folder is None else self.folder / key

    def link(self, key: str) -> str:
        """An address from which a bucket gives it to anyone, for some minutes."""
        return obstore.sign(cast("S3Store", self.store), "GET", key, SIGNED)

    def check(self) -> None:
        """Raises OSError or an error of the store where nothing can be written."""
        obstore.put(self.store, ".ready", b"ready")
