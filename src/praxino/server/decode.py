"""The process behind `intake`: decode a file within limits, write it anew, say what it is; one line of JSON."""

import json
import os
import resource
import sys
import warnings
from pathlib import Path
from typing import Any

PICTURES = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
MARKS = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*", b"GIF8")
"""With which pictures begin; WebP is RIFF....WEBP."""


def main() -> None:
    """Arguments: the file, the copy without its suffix, the limits as JSON."""
    upload, into, limits = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
    bounds = {
        resource.RLIMIT_AS: limits["memory_bytes"],
        resource.RLIMIT_CPU: limits["cpu_seconds"],
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_CORE: 0,
    }
    for what, most in bounds.items():
        resource.setrlimit(what, (most, most))
    os.nice(10)
    try:
        told = _looked(upload, into, limits)
    except MemoryError:
        told = {"code": "media_too_costly", "message": "the file takes too much memory to decode; send a smaller one"}
    except _Not as no:
        told = {"code": no.args[0], "message": no.args[1]}
    except Exception as error:  # noqa: BLE001 - whatever a stranger's file does to a decoder
        told = {
            "code": "broken_media",
            "message": f"the file cannot be decoded ({type(error).__name__}); send a PNG, JPEG or MP4",
        }
    sys.stdout.write(json.dumps(told))


class _Not(Exception):  # noqa: N818
    """(code, message)"""


def _looked(upload: Path, into: Path, limits: dict[str, Any]) -> dict[str, Any]:
    with upload.open("rb") as file:
        head = file.read(16)
    if not head:
        raise _Not("broken_media", "the file is empty")
    if head.startswith(MARKS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return _picture(upload, into, limits)
    return _clip(upload, into, limits)


def _picture(upload: Path, into: Path, limits: dict[str, Any]) -> dict[str, Any]:
    from PIL import Image, ImageOps

    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = limits["pixels"]
    try:
        with Image.open(upload, formats=PICTURES) as picture:
            if getattr(picture, "n_frames", 1) > 1 and picture.format == "GIF":
                return _clip(upload, into, limits)
            _check(picture.width, picture.height, limits)
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _Not("media_too_large", f"the picture is too large; send at most {limits['pixels']:,} pixels") from None
    Image.frombytes("RGB", upright.size, upright.tobytes()).save(into.with_suffix(".png"), compress_level=1)
    return {
        "kind": "picture",
        "width": upright.width,
        "height": upright.height,
        "frames": 1,
        "fps": 30.0,
        "seconds": 1 / 30,
    }


def _clip(upload: Path, into: Path, limits: dict[str, Any]) -> dict[str, Any]:
    from praxino.media import read
    from praxino.media.write import Writer

    try:
        about = read.probe(upload)
    except ValueError as error:
        raise _Not(
            "unsupported_media" if "cannot be read" in str(error) else "broken_media", _told(error, upload)
        ) from None
    _check(about.width, about.height, limits)
    if about.seconds > limits["seconds"] or about.frames > limits["frames"]:
        most = f"{limits['seconds']:g} s and {limits['frames']} frames"
        raise _Not(
            "media_too_long",
            f"the clip is too long ({about.seconds:.1f} s, {about.frames} frames); send at most {most}",
        )
    size = (about.width // 2 * 2, about.height // 2 * 2)
    if min(size) < 2:
        raise _Not("broken_media", f"the clip is too small ({about.width}x{about.height})")
    try:
        with Writer(into.with_suffix(".mp4"), width=size[0], height=size[1], fps=about.fps, quality=4) as out:
            for count, frame in enumerate(read.stream(upload)):
                if count >= limits["frames"] or frame.shape[:2] != (about.height, about.width):
                    raise _Not("broken_media", "the clip is not what its header says; send it encoded anew")
                out.write(frame[: size[1], : size[0]])
    except ValueError as error:
        raise _Not("broken_media", _told(error, upload)) from None
    return {"kind": "clip", "width": size[0], "height": size[1], "frames": out.frames, "fps": about.fps,
            "seconds": out.frames / about.fps}  # fmt: skip


def _check(width: int, height: int, limits: dict[str, Any]) -> None:
    if max(width, height) > limits["side"] or width * height > limits["pixels"]:
        most = f"{limits['side']} pixels a side and {limits['pixels']:,} in all"
        raise _Not("media_too_large", f"{width}x{height} is too large; send at most {most}")


def _told(error: ValueError, upload: Path) -> str:
    """A message without the place where the file lies here."""
    return str(error).replace(str(upload), "the file")


if __name__ == "__main__":
    main()
