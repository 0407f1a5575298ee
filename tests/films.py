"""Films of a moving texture with one thing planted in each, and files of them, for tests of the data engine."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from praxino.curation.clip import Scan, Source
from praxino.curation.scan import scan


def film(frames: int = 40, *, width: int = 512, height: int = 288, pan: float = 2.0, seed: int = 0) -> np.ndarray:
    """(frames, height, width, 3) uint8: a textured wall that a camera pans over, and a ball that rolls."""
    rng = np.random.default_rng(seed)
    room = int(abs(pan) * frames) + 2
    coarse = Image.fromarray(rng.integers(60, 200, (12, 30, 3), np.uint8)).resize(
        (width + room, height), Image.Resampling.BICUBIC
    )
    draw = ImageDraw.Draw(coarse)
    for _ in range(24):
        x, y = int(rng.integers(0, width + room)), int(rng.integers(0, height))
        w, h = (int(v) for v in rng.integers(20, 70, 2))
        draw.rectangle((x, y, x + w, y + h), fill=tuple(int(v) for v in rng.integers(40, 215, 3)))
    wall = np.asarray(coarse)
    out = np.empty((frames, height, width, 3), np.uint8)
    for n in range(frames):
        at = round(pan * n) if pan >= 0 else room + round(pan * n)
        picture = Image.fromarray(wall[:, at : at + width])
        x = 40 + 5 * n % (width - 80)
        ImageDraw.Draw(picture).ellipse((x, height // 2, x + 40, height // 2 + 40), fill=(220, 60, 40))
        out[n] = np.asarray(picture)
    return out


def each(pictures: np.ndarray, change) -> np.ndarray:
    """Each picture changed by a function of a Pillow image."""
    return np.stack([np.asarray(change(Image.fromarray(picture))) for picture in pictures])


def blurred(pictures: np.ndarray, radius: float = 4) -> np.ndarray:
    return each(pictures, lambda image: image.filter(ImageFilter.GaussianBlur(radius)))


def noisy(pictures: np.ndarray, sigma: float = 20) -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.clip(pictures + rng.normal(0, sigma, pictures.shape), 0, 255).astype(np.uint8)


def written(pictures: np.ndarray, text: str, at: tuple[int, int], size: int) -> np.ndarray:
    """The pictures with white letters that have a dark outline, from a place on (left, top)."""

    def change(image: Image.Image) -> Image.Image:
        ImageDraw.Draw(image).text(
            at, text, font=ImageFont.load_default(size), fill="white", stroke_width=2, stroke_fill="black"
        )
        return image

    return each(pictures, change)


def boxed(pictures: np.ndarray, *, top: int = 0, left: int = 0) -> np.ndarray:
    """The pictures between black bars of so many pixels."""
    return np.pad(pictures, ((0, 0), (top, top), (left, left), (0, 0)))


def save(
    path: Path,
    pictures: np.ndarray,
    *,
    fps: int = 25,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    pixel: Fraction | None = None,
    rotation: int = 0,
    times: list[float] | None = None,
    sound: np.ndarray | None = None,
    transfer: int | None = None,
) -> Path:
    """A file of the pictures; ``sound`` is mono, 16 kHz, -1..1."""
    with av.open(str(path), "w", options={"movflags": "+faststart"} if path.suffix == ".mp4" else {}) as out:
        stream = out.add_stream(codec, rate=fps, options=options or {})
        stream.width, stream.height, stream.pix_fmt = pictures.shape[2], pictures.shape[1], pixels
        if pixel:
            stream.codec_context.sample_aspect_ratio = pixel
        if rotation:
            stream.set_display_rotation(rotation)
        if times:
            stream.codec_context.time_base = Fraction(1, 10_000)
        if transfer:
            stream.codec_context.color_trc = transfer
        track = out.add_stream("aac", rate=16_000, layout="mono") if sound is not None else None
        for n, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            if times:
                frame.pts, frame.time_base = round(times[n] * 10_000), Fraction(1, 10_000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if track is not None and sound is not None:
            heard = av.AudioFrame.from_ndarray(sound[None].astype(np.float32), format="fltp", layout="mono")
            heard.sample_rate = 16_000
            out.mux(track.encode(heard))
            out.mux(track.encode(None))
    return path


def scanned(path: Path) -> Scan:
    """The scan of a file."""
    return scan(Source(uri=path.name, path=path, digest="0" * 64))
