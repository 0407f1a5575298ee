"""Where raw footage comes from: folders, files, tar shards, lists of addresses; and folders that are watched.

Nothing here decodes. What cannot be had is a source with a flaw, which later stages put aside with that reason.
"""

import hashlib
import os
import tarfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

import httpx
import obstore
from obstore.store import from_url

from praxino.curation.clip import Source

MEDIA = frozenset({
    ".3g2", ".3gp", ".apng", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".gif", ".h264", ".hevc",
    ".ivf", ".m2ts", ".m2v", ".m4v", ".mj2", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf",
    ".nut", ".obu", ".ogg", ".ogv", ".qt", ".ts", ".vob", ".webm", ".wmv", ".y4m",
})  # fmt: skip
"""Endings of what is taken from folders and tars; a file that is given by name is taken whatever it is called."""
SHARDS = frozenset({".tar", ".tgz"})
WORDS = frozenset({".srt", ".vtt", ".txt", ".json"})
"""Endings of side-cars, which say something about the video beside them."""
SCHEMES = frozenset({"http", "https", "s3", "gs", "file"})
MOST_BYTES = 16 * 2**30
"""Of one video that is fetched or unpacked."""
SECRETS = ("signature", "sig", "token", "key", "credential", "policy", "expires", "security")
"""Parts of names of an address's parameters that open it for a while, and do not belong in an index."""


def sources(paths: Iterable[Path | str], *, cache: Path | None = None) -> Iterator[Source]:
    """Every video below the given paths, in a stable order, with its SHA-256.

    A folder is searched through (hidden files are left out), a tar unpacked and a ``.txt`` of addresses fetched into
    ``cache`` (by default the user's own), where they stay. Raises ValueError on a path that is not there.
    """
    taken = set[str]()
    for given in paths:
        root = Path(given)
        if not root.exists():
            raise ValueError(f"{root} does not exist; give folders, videos, tars or lists of addresses")
        found = _below(root) if root.is_dir() else [root]
        for path in found:
            uri = path.relative_to(root).as_posix() if root.is_dir() else path.name
            if uri in taken:
                uri = f"{root.absolute().name if root.is_dir() else root.absolute().parent.name}/{uri}"
            if uri in taken:
                raise ValueError(f"{path} would be called {uri}, as another file is; give a folder that holds both")
            taken.add(uri)
            yield from _of(path, uri, cache or home(), listed=not root.is_dir())


def watch(
    paths: Iterable[Path | str], every: float, *, cache: Path | None = None, rounds: int | None = None
) -> Iterator[Source]:
    """New videos below folders, for ever (or for ``rounds`` looks, ``every`` seconds apart), once they stopped growing.

    What changes later comes again. Those that are there at the start are new, too.
    """
    roots = [Path(path) for path in paths]
    seen, told = dict[Path, tuple[int, int]](), dict[Path, tuple[int, int]]()
    turn = 0
    while rounds is None or turn < rounds:
        turn += 1
        for root in roots:
            for path in _below(root) if root.is_dir() else [root] if root.exists() else []:
                now = _stamp(path)
                if now is None:
                    continue
                if now == seen.get(path) and now != told.get(path):
                    told[path] = now
                    uri = path.relative_to(root).as_posix() if root.is_dir() else path.name
                    yield from _of(path, uri, cache or home(), listed=not root.is_dir())
                seen[path] = now
        if rounds is None or turn < rounds:
            time.sleep(every)


def home() -> Path:
    """Where what was fetched or unpacked is kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "praxino" / "footage"


def beside(path: Path) -> tuple[Path, ...]:
    """Side-cars of a video: its stem, perhaps a language (``film.en.srt``), and an ending of ``WORDS``."""
    try:
        near = sorted(path.parent.iterdir())
    except OSError:
        return ()
    return tuple(
        one
        for one in near
        if one.suffix.lower() in WORDS
        and one.name.startswith(f"{path.stem}.")
        and len(one.suffixes) <= len(path.suffixes) + 1
    )


def _below(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(folder, name)
            if not name.startswith(".") and path.suffix.lower() in MEDIA | SHARDS and not path.is_dir():
                yield path


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _of(path: Path, uri: str, cache: Path, *, listed: bool) -> Iterator[Source]:
    """The sources that a file is, or holds. ``listed``: it was given by name, so a text is a list of addresses."""
    if path.suffix.lower() in SHARDS or path.name.lower().endswith(".tar.gz"):
        yield from _unpacked(path, uri, cache)
    elif listed and path.suffix.lower() == ".txt":
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                yield _fetched(line.strip(), cache)
    else:
        yield _file(path, uri)


def _file(path: Path, uri: str) -> Source:
    try:
        if not path.is_file():  # a pipe or a device would be read for ever
            return _flawed(uri, path, "it is not a file")
        with path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        return _flawed(uri, path, f"it cannot be read: {error.strerror or error}")
    return Source(uri=uri, path=path, digest=digest, beside=beside(path))


def _flawed(uri: str, path: Path, flaw: str) -> Source:
    return Source(uri=uri, path=path, digest=_name(uri), flaw=flaw)


def _name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _unpacked(shard: Path, uri: str, cache: Path) -> Iterator[Source]:
    """Videos of a tar, with their side-cars, written below the cache; their names there are made up, not the tar's."""
    try:
        stamp = shard.stat()
        into = cache / _name(f"{shard.absolute()} {stamp.st_size} {stamp.st_mtime_ns}")[:32]
        with tarfile.open(shard) as tar:
            members = [one for one in tar.getmembers() if one.isfile() and not _hidden(one.name)]
            for member in members:
                if PurePosixPath(member.name).suffix.lower() not in MEDIA:
                    continue
                stem = PurePosixPath(member.name).with_suffix("")
                own = [member, *(m for m in members if _says(PurePosixPath(m.name), stem))]
                yield _member(tar, own, into / _name(str(stem))[:32], f"{uri}/{member.name}")
    except (OSError, tarfile.TarError, EOFError) as error:
        yield _flawed(uri, shard, f"the tar is broken: {error}")


def _says(name: PurePosixPath, stem: PurePosixPath) -> bool:
    return name.suffix.lower() in WORDS and name.with_suffix("") == stem


def _hidden(name: str) -> bool:
    return any(part.startswith(".") and part not in {".", ".."} for part in PurePosixPath(name).parts)


def _member(tar: tarfile.TarFile, members: list[tarfile.TarInfo], stem: Path, uri: str) -> Source:
    path = stem.with_suffix(PurePosixPath(members[0].name).suffix.lower())
    if members[0].size > MOST_BYTES:
        return _flawed(uri, path, f"it is too large: {members[0].size} bytes, at most {MOST_BYTES}")
    for member in members:
        opened = tar.extractfile(member)
        to = stem.with_suffix(PurePosixPath(member.name).suffix.lower())
        if opened is not None and not to.exists() and member.size <= MOST_BYTES:
            _kept(iter(lambda opened=opened: opened.read(2**20), b""), to)
    return _file(path, uri)


def _kept(pieces: Iterable[bytes], to: Path) -> None:
    """Write a file whole or not at all. Raises ValueError where it is too large."""
    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as out:
            _poured(pieces, out)
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)


def _poured(pieces: Iterable[bytes], out: IO[bytes]) -> None:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > MOST_BYTES:
            raise ValueError(f"it is too large: more than {MOST_BYTES} bytes")
        out.write(piece)


def _fetched(address: str, cache: Path) -> Source:
    parts = urlsplit(address)
    uri = _public(address)
    suffix = PurePosixPath(unquote(parts.path)).suffix.lower()
    path = cache / "fetched" / f"{_name(uri)[:32]}{suffix if suffix in MEDIA else '.video'}"
    try:
        if parts.scheme not in SCHEMES:
            raise ValueError(
                f"addresses of {parts.scheme or 'no scheme'!r} are not fetched; use {', '.join(sorted(SCHEMES))}"
            )
        if parts.scheme == "file":
            return _file(Path(unquote(parts.path)), uri)
        if not path.exists():
            _kept(_http(address) if parts.scheme in {"http", "https"} else _bucket(address), path)
    except (OSError, ValueError, httpx.HTTPError, httpx.InvalidURL, obstore.exceptions.BaseError) as error:
        return _flawed(
            uri,
            path,
            f"it cannot be fetched: {str(error).splitlines()[0][:200] if str(error) else type(error).__name__}",
        )
    return _file(path, uri)


def _http(address: str) -> Iterator[bytes]:
    limits = httpx.Timeout(30)
    with (
        httpx.Client(follow_redirects=True, max_redirects=5, timeout=limits) as client,
        client.stream("GET", address) as got,
    ):
        if not got.is_success:
            raise ValueError(f"the server answers {got.status_code}")
        yield from got.iter_bytes(2**20)


def _bucket(address: str) -> Iterator[bytes]:
    parts = urlsplit(address)
    for piece in obstore.get(from_url(f"{parts.scheme}://{parts.netloc}"), unquote(parts.path.lstrip("/"))).stream():
        yield bytes(piece)


def _public(address: str) -> str:
    """The address without a name and password, and without parameters that open it for a while."""
    parts = urlsplit(address)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    open_ones = [(name, value) for name, value in pairs if not any(word in name.lower() for word in SECRETS)]
    netloc = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, netloc, parts.path, urlencode(open_ones), ""))
