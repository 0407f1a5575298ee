"""The process behind `intake`: decode a file within limits, write it anew, say what it is; one line of JSON.

It works in a folder of its own, where the file has a name that may be told to anybody: `FILE`.
"""

import json
import os
import random
import re
import resource
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from errno import EAGAIN, EDQUOT, EFBIG, ENOMEM, ENOSPC
from itertools import islice
from pathlib import Path
from typing import Any

FILE = Path("the file")
MADE = {"picture": Path("made.png"), "clip": Path("made.mp4")}
QUALITY = 4  # of x264: nothing that is seen is lost
FILES = 64  # open at once
CORES = 2  # every thread maps memory, so that their number must not depend on the machine


@dataclass(frozen=True, kw_only=True)
class _Format:
    """How a file of it begins, and which one plugin of Pillow and which one demuxer of FFmpeg may open it."""

    mark: bytes  # a regular expression
    pillow: str | None = None
    demuxer: str | None = None


FORMATS = (
    _Format(mark=rb"\x89PNG\r\n\x1a\n", pillow="PNG", demuxer="apng"),
    _Format(mark=rb"\xff\xd8\xff", pillow="JPEG"),
    _Format(mark=rb"GIF8[79]a", pillow="GIF", demuxer="gif"),
    _Format(mark=rb"RIFF.{4}WEBP", pillow="WEBP"),
    _Format(mark=rb"BM", pillow="BMP"),
    _Format(mark=rb"II\*\0|MM\0\*", pillow="TIFF"),
    _Format(mark=rb".{4}ftyp(hei[cmsx]|hev[cx]|mif1|msf1|avi[fs])"),  # pictures, of which FFmpeg would show one tile
    _Format(mark=rb".{4}(ftyp|moov|mdat|free|skip|wide|pnot)", demuxer="mov"),
    _Format(mark=rb"\x1aE\xdf\xa3", demuxer="matroska"),
    _Format(mark=rb"RIFF.{4}AVI ", demuxer="avi"),
    _Format(mark=rb"OggS", demuxer="ogg"),
    _Format(mark=rb"FLV\x01", demuxer="flv"),
    _Format(mark=rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", demuxer="asf"),
    _Format(mark=rb"\0\0\x01\xba", demuxer="mpeg"),
    _Format(mark=rb"G.{187}G.{187}G", demuxer="mpegts"),
)


class _Not(Exception):  # noqa: N818 - the file is not good, nothing went wrong here
    """(code, message)"""


def main() -> None:
    """Arguments: the folder, the limits as JSON."""
    room, limits = Path(sys.argv[1]), json.loads(sys.argv[2])
    bound(limits)
    os.chdir(room)
    from praxino.media import picture, read, write  # noqa: F401 - what cannot be loaded is not the file's fault

    try:
        told = _looked(limits)
    except _Not as no:
        told = {"code": no.args[0], "message": no.args[1]}
    except Exception as error:  # noqa: BLE001 - whatever a stranger's file does to a decoder
        told = _blamed(error)
    sys.stdout.write(json.dumps(told) + "\n")


def bound(limits: dict[str, Any]) -> None:
    """Take little of the machine, before anything is loaded that looks at the file."""
    bounds = {
        resource.RLIMIT_AS: limits["memory_bytes"],
        resource.RLIMIT_CPU: limits["cpu_seconds"],
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_NOFILE: FILES,
        resource.RLIMIT_CORE: 0,
    }
    for what, most in bounds.items():
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))
    os.nice(10)
    if sys.platform == "linux":
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, random.sample(cores, min(CORES, len(cores))))


def _looked(limits: dict[str, Any]) -> dict[str, Any]:
    """What the file is, once its copy is written. Raises _Not, or anything, where it is no good."""
    from praxino.media import picture, read

    with FILE.open("rb") as file:
        head = file.read(512)
    if not head:
        raise _Not("broken_media", "the file is empty; send a PNG, JPEG or MP4")
    known = next((one for one in FORMATS if re.match(one.mark, head, re.DOTALL)), None)
    if known is None or not (known.pillow or known.demuxer):
        raise _Not("unsupported_media", "the file is of no kind that is taken here; send a PNG, JPEG or MP4")
    only: Any = (known.pillow,) if known.pillow else ()
    picture.FORMATS, read.CONTAINERS = only, known.demuxer or "none"  # this process looks at one file only
    if known.pillow:
        _check_picture(known.pillow, limits)
        if picture.is_picture(FILE):
            return _picture(limits["side"])
    if known.demuxer is None:
        raise _Not("broken_media", "the picture is broken; save it again or choose another")
    _check_clip(known.demuxer, limits)
    return _clip(limits)


def _check_picture(pillow: str, limits: dict[str, Any]) -> None:
    """Its size, from the header."""
    from PIL import Image

    most = limits["picture_pixels"]
    Image.MAX_IMAGE_PIXELS = most
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(FILE, formats=(pillow,)) as image:
                _check_size(image.width, image.height, {"side": limits["picture_side"], "pixels": most})
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _Not("media_too_large", f"the picture is too large; send at most {most:,} pixels") from None


def _picture(side: int) -> dict[str, Any]:
    from PIL import Image

    from praxino.media import picture, read

    made = Image.fromarray(picture.read(FILE))
    made.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    made.save(MADE["picture"], compress_level=1)
    width, height = made.size
    fps = read.PICTURE_FPS
    return {"kind": "picture", "width": width, "height": height, "frames": 1, "fps": fps, "seconds": 1 / fps}


def _check_clip(demuxer: str, limits: dict[str, Any]) -> None:
    """Its size and length, from the header, and whether it is all there."""
    import av

    with av.open(str(FILE), format=demuxer, options={"protocol_whitelist": "file"}) as container:
        video = next(iter(container.streams.video), None)
        if video is None or not video.codec_context:
            raise _Not("unsupported_media", "the file holds no video that is known here; send an MP4 with H.264")
        _check_size(video.width, video.height, limits)
        seconds = (container.duration or 0) / 1e6
        _check_length(video.width * video.height, video.frames, seconds, limits)
        size, ends = FILE.stat().st_size, (entry.pos + entry.size for entry in video.index_entries)
        if demuxer == "mov" and any(end > size for end in ends):
            raise _Not("broken_media", "the clip is cut off, its end is missing; send it again, whole")


def _clip(limits: dict[str, Any]) -> dict[str, Any]:
    from av.error import FFmpegError

    from praxino.media import read
    from praxino.media.write import Writer

    about = read.probe(FILE)
    _check_size(about.width, about.height, limits)
    _check_length(about.width * about.height, about.frames, about.seconds, limits)
    width, height = about.width // 2 * 2, about.height // 2 * 2
    if not width or not height:
        raise _Not("broken_media", f"the clip is too small ({about.width}x{about.height}); send 2x2 pixels or more")
    try:
        with Writer(MADE["clip"], width=width, height=height, fps=about.fps, quality=QUALITY) as film:
            for frame in _same(read.stream(FILE), (about.height, about.width), limits["frames"]):
                film.write(frame[:height, :width])
    except (
        FFmpegError
    ) as error:  # of the encoder, for `read` raises none: it was given good frames, and too little memory
        raise MemoryError from error
    seconds = film.frames / about.fps
    return {"kind": "clip", "width": width, "height": height, "frames": film.frames, "fps": about.fps,
            "seconds": seconds}  # fmt: skip


def _same(frames: Iterator[Any], shape: tuple[int, int], most: int) -> Iterator[Any]:
    """Frames that are of one shape and not too many."""
    for frame in islice(frames, most):
        if frame.shape[:2] != shape:
            raise _Not("broken_media", "the clip changes its size on the way; send it encoded anew")
        yield frame
    if next(frames, None) is not None:
        raise _Not("media_too_long", f"the clip has more frames than it says; send at most {most}")


def _check_size(width: int, height: int, limits: dict[str, Any]) -> None:
    if max(width, height) > limits["side"] or width * height > limits["pixels"]:
        most = f"{limits['side']:,} pixels a side and {limits['pixels']:,} in all"
        raise _Not("media_too_large", f"{width}x{height} pixels are too many; send at most {most}")


def _check_length(pixels: int, frames: int, seconds: float, limits: dict[str, Any]) -> None:
    """Raises _Not where a clip of ``frames`` of so many ``pixels`` each is too long."""
    if seconds > limits["seconds"] or frames > limits["frames"]:
        most = f"{limits['seconds']:g} s and {limits['frames']} frames"
        raise _Not("media_too_long", f"the clip is too long ({seconds:.1f} s, {frames} frames); send at most {most}")
    if pixels * frames > limits["clip_pixels"]:
        most = limits["clip_pixels"] // pixels
        message = f"{frames} frames are too many at this size; send at most {most}, or a smaller size"
        raise _Not("media_too_costly", message)


def _blamed(error: Exception) -> dict[str, Any]:
    """What to say of a failure; of a full disk its number, for that is not the file's fault."""
    whole = list(_chain(error))
    numbers = {getattr(one, "errno", None) for one in whole}
    full = numbers & {ENOSPC, EDQUOT}
    if full:
        return {"errno": full.pop()}
    if numbers & {EFBIG, ENOMEM, EAGAIN} or any(isinstance(one, MemoryError) for one in whole):
        message = "the file takes too much memory or room to decode; send a smaller one"
        return {"code": "media_too_costly", "message": message}
    if not isinstance(error, ValueError) or getattr(error, "errno", None) is not None or str(FILE) not in str(error):
        return {"code": "broken_media", "message": "the file cannot be decoded; send a PNG, JPEG or MP4"}
    text = str(error).replace(f"{Path.cwd()}/", "")
    code = "media_too_large" if " too large " in text else "media_too_long" if " too long " in text else "broken_media"
    return {"code": code, "message": text}


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it was raised from."""
    while error is not None:
        yield error
        error = error.__context__


if __name__ == "__main__":
    main()
