"""Pictures: any file Pillow reads, as one upright RGB frame. Sizes are checked before anything is decoded."""

import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from einops import rearrange
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

MOST_PIXELS = 64_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM", "TGA", "ICO", "JPEG2000")
MOVING = {"GIF", "PNG"}  # formats whose many frames FFmpeg plays as a clip; of others the first frame counts


def is_picture(path: Path) -> bool:
    """Whether the file is a (still) picture, from its header. Raises ValueError where it is one that is too large."""
    with _opened(path) as image:
        return image is not None


def read(path: Path) -> NDArray[np.uint8]:
    """The picture as (h, w, 3): upright, in RGB, what is transparent over black.

    Raises ValueError where it is too large, broken, or not a picture.
    """
    with _opened(path) as image:
        if image is None:
            raise ValueError(f"{path} is not a picture; give a PNG, JPEG or WebP file")
        try:
            image.load()
            return np.asarray(_rgb(ImageOps.exif_transpose(image)))
        except Exception as error:  # noqa: BLE001 - decoders of broken files raise anything
            raise _broken(path, error) from None


@contextmanager
def _opened(path: Path) -> Generator[Image.Image | None]:
    """The picture, of which only the header has been read; None where the file is no still picture."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # our own limit is lower than the one Pillow warns of
        try:
            image = Image.open(path, formats=FORMATS)
        except UnidentifiedImageError:
            yield None
            return
        except Image.DecompressionBombError:
            raise ValueError(f"{path} has too many pixels; use at most {MOST_PIXELS // 1_000_000} million") from None
        except Exception as error:  # noqa: BLE001 - decoders of broken files raise anything
            raise _broken(path, error) from None
        with image:
            if image.width * image.height > MOST_PIXELS:
                most = f"use at most {MOST_PIXELS // 1_000_000} million"
                raise ValueError(f"{path} has too many pixels ({image.width}x{image.height}); {most}")
            yield None if _moves(image, path) else image


def _moves(image: Image.Image, path: Path) -> bool:
    try:
        return image.format in MOVING and bool(getattr(image, "is_animated", False))
    except Exception as error:  # noqa: BLE001 - as above: it looks for a second frame
        raise _broken(path, error) from None


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I;16", "I", "F")):
        return _deep(image)
    if image.has_transparency_data:
        front = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", front.size, (0, 0, 0, 255)), front).convert("RGB")
    return image.convert("RGB")


def _deep(image: Image.Image) -> Image.Image:
    """Grey of more than 8 bits: Pillow would clip it, so its range is scaled to 0..255."""
    values = np.asarray(image).astype(np.float64)
    most = 255.0 if values.max(initial=0) <= 255 else 65535.0
    grey = np.clip(values / most * 255, 0, 255).round().astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(np.broadcast_to(rearrange(grey, "h w -> h w 1"), (*grey.shape, 3))))


def _broken(path: Path, error: Exception) -> ValueError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0][:80]
    return ValueError(f"{path} is a broken picture ({reason}); save it again or choose another")
