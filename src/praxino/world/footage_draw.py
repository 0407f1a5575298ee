"""The pictures of a reel, one after another.

Shapes: h rows and w columns of pixels.
"""

import io
from collections.abc import Iterator, Mapping
from functools import cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from praxino.world.footage_reel import Join, Reel, Stretch, Take

FONTS = {
    "en": ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "DejaVuSans.ttf", "Arial.ttf", "Helvetica.ttc"),
    "zh": ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", "NotoSansCJK-Regular.ttc", "PingFang.ttc"),
}
"""Where subtitles find their letters; the first that is there."""
LINES = {
    "en": (
        "Where did it come from?",
        "I have never seen it move like that.",
        "Wait for it.",
        "Once more, from the top.",
    ),
    "zh": ("它是从哪里来的？", "我从没见过它这样动。", "等一下。", "从头再来一次。"),
}
"""What subtitles say."""
BLURRED = 6
"""Pictures that a fast pan is averaged from."""


def pictures(reel: Reel, clips: Mapping[int, np.ndarray], *, width: int, height: int) -> Iterator[np.ndarray]:
    """Each frame (h, w, 3) uint8. ``clips`` (n, at least h, at least w, 3) uint8 are the stock's, by number."""
    size, now = (width, height), 0
    joins = [*reel.joins, None]
    grain = np.random.default_rng([reel.frames, len(reel.takes)])
    for frame in range(reel.frames):
        join = joins[now]
        if join is not None and frame >= join.end:
            now, join = now + 1, joins[now + 1]
        old = reel.takes[now]
        if join is None or frame < join.begin:
            picture = _seen(old, frame, clips[old.clip], size, grain)
        else:
            new = reel.takes[now + 1]
            first, second = (_seen(one, frame, clips[one.clip], size, grain) for one in (old, new))
            picture = _joined(first, second, join, frame)
        for event in reel.events:
            if event.kind == "flash" and event.begin <= frame < event.end:
                picture = _mixed(picture, np.float32(255), event.amount * 0.7 ** (frame - event.begin))
        for over in reel.overlays:
            if over.begin <= frame < over.end:
                picture = _laid(picture, over)
        yield picture


def _joined(old: np.ndarray, new: np.ndarray, join: Join, frame: int) -> np.ndarray:
    """A picture of a gradual join of two takes."""
    length, since = join.end - join.begin, frame - join.begin
    progress = (since + 1) / (length + 1)
    if join.kind == "dissolve":
        return _mixed(old, new, progress)
    if join.kind == "wipe":
        share = _share(join, progress, old.shape[:2])[..., None]
        return (old + share * (new.astype(np.float32) - old) + np.float32(0.5)).astype(np.uint8)
    colour, slope = np.float32(255 if join.way == "white" else 0), (length - join.hold) // 2
    if since < slope:
        return _mixed(old, colour, (since + 1) / (slope + 1))
    if since < slope + join.hold:
        return np.full_like(old, np.uint8(colour))
    return _mixed(new, colour, (length - since) / (slope + 1))


def _share(join: Join, progress: float, shape: tuple[int, int]) -> np.ndarray:
    """(h, w) float32: how much of each pixel is new in a wipe."""
    rows, columns = (np.linspace(0, 1, n, dtype=np.float32) for n in shape)
    when = {
        "right": np.broadcast_to(columns, shape),
        "left": np.broadcast_to(1 - columns, shape),
        "down": np.broadcast_to(rows[:, None], shape),
        "up": np.broadcast_to(1 - rows[:, None], shape),
        "iris": np.hypot(columns - 0.5, (rows - 0.5)[:, None]) / np.float32(0.7072),
    }[join.way]
    soft = max(join.soft, 1e-3)
    return np.clip((progress * (1 + soft) - when) / soft, 0, 1)


def _seen(take: Take, frame: int, whole: np.ndarray, size: tuple[int, int], grain: np.random.Generator) -> np.ndarray:
    """A take's own picture in a frame: its clip (n, h, w, 3) through the window, graded, with its defects."""
    at = min(max(frame - take.begin, 0), len(take.shown) - 1)
    shot = np.asarray(whole[take.shown[at]])
    room = np.array([shot.shape[1] - size[0], shot.shape[0] - size[1]])
    here, there = take.path[at] * room, take.path[at + 1] * room
    if np.abs(there - here).max() > 0.03 * size[0]:
        steps = np.linspace(here, here + 0.5 * (there - here), BLURRED)
        picture = np.stack([_window(shot, step, size) for step in steps]).mean(0, dtype=np.float32).astype(np.uint8)
    else:
        picture = _window(shot, np.round(here) if (here == there).all() else here, size)  # what rests stays sharp
    if take.mirror:
        picture = np.flip(picture, 1)
    picture = _graded(np.asarray(picture), take)
    for defect in take.defects:
        picture = _spoilt(picture, defect, grain)
    return np.ascontiguousarray(picture)


def _window(whole: np.ndarray, at: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The part of a picture from ``at`` (x, y) on, between pixels too: by whole ones it moves as if frames lacked."""
    middle = (float(at[0]) + (size[0] - 1) / 2, float(at[1]) + (size[1] - 1) / 2)
    return cv2.getRectSubPix(np.ascontiguousarray(whole), size, middle)


def _graded(picture: np.ndarray, take: Take) -> np.ndarray:
    levels = np.linspace(0, 1, 256) ** take.gamma
    tables = (np.clip(levels[:, None] * np.array(take.gains), 0, 1) * 255 + 0.5).astype(np.uint8)
    return np.stack([tables[:, c][picture[..., c]] for c in range(3)], -1)


def _spoilt(picture: np.ndarray, defect: Stretch, grain: np.random.Generator) -> np.ndarray:
    height, strength = picture.shape[0], defect.amount
    match defect.kind:
        case "blur":
            return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(strength * height / 70)))
        case "noise":
            noise = grain.standard_normal(picture.shape, np.float32) * np.float32(30 * strength)
            return np.clip(picture + noise, 0, 255).astype(np.uint8)
        case "bright":
            return np.clip(picture * np.float32(1 + 1.5 * strength) + np.float32(60 * strength), 0, 255).astype(
                np.uint8
            )
        case "dark":
            return (picture * np.float32(0.17 - 0.1 * strength)).astype(np.uint8)
        case "flat":
            return (118 + (picture - np.float32(118)) * np.float32(0.25 - 0.15 * strength)).astype(np.uint8)
        case "blocks":
            held = io.BytesIO()
            Image.fromarray(picture).save(held, "JPEG", quality=round(14 - 9 * strength))
            return np.asarray(Image.open(held))
        case "black":
            return np.zeros_like(picture)
        case _:
            return picture


def _mixed(first: np.ndarray, second: np.ndarray | np.float32, share: float) -> np.ndarray:
    return (first * np.float32(1 - share) + second * np.float32(share) + np.float32(0.5)).astype(np.uint8)


def _laid(picture: np.ndarray, over: Stretch) -> np.ndarray:
    """The picture under an overlay. ``box`` of borders is what they leave."""
    assert over.box is not None
    left, top, width, height = over.box
    if over.kind in ("letterbox", "pillarbox"):
        out = np.zeros_like(picture)
        out[top : top + height, left : left + width] = picture[top : top + height, left : left + width]
        return out
    mark = np.asarray(_mark(over.kind, over.text, (width, height)), np.float32)
    out = picture.copy()
    under = out[top : top + height, left : left + width]
    share = mark[..., 3:] / 255 * (np.float32(0.8) if over.kind == "logo" else 1)
    under[:] = (under + share * (mark[..., :3] - under) + 0.5).astype(np.uint8)
    return out


@cache
def _mark(kind: str, text: str, size: tuple[int, int]) -> Image.Image:
    """RGBA: a station's logo, or a line of text with a dark outline."""
    image = Image.new("RGBA", size)
    draw = ImageDraw.Draw(image)
    if kind == "logo":
        draw.ellipse((0, 0, size[1] - 1, size[1] - 1), outline="white", width=max(2, size[1] // 8))
    font = lettering("zh" if any(ord(c) > 0x2E80 for c in text) else "en", round(size[1] * 0.62))
    middle = ((size[0] + (size[1] if kind == "logo" else 0)) // 2, size[1] // 2)
    draw.text(
        middle, text, font=font, fill="white", anchor="mm", stroke_width=max(1, size[1] // 14), stroke_fill="black"
    )
    return image


def lettering(language: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont | None:
    """Letters of a language, or None where no font has them."""
    for name in FONTS[language]:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size) if language == "en" else None


def overlays(
    rng: np.random.Generator, kind: str, frames: int, size: tuple[int, int], language: str
) -> tuple[Stretch, ...]:
    """What lies over a whole film: borders, a station's logo, or subtitles, English where no font has Chinese."""
    width, height = size
    if kind == "letterbox":
        bar = round(height * rng.uniform(0.06, 0.16)) // 2 * 2
        return (Stretch(kind=kind, begin=0, end=frames, box=(0, bar, width, height - 2 * bar)),)
    if kind == "pillarbox":
        bar = round(width * rng.uniform(0.06, 0.16)) // 2 * 2
        return (Stretch(kind=kind, begin=0, end=frames, box=(bar, 0, width - 2 * bar, height)),)
    if kind == "logo":
        tall, wide, rim = height // 10, height // 3, height // 20
        left, top = rng.choice([rim, width - rim - wide]), rng.choice([rim, height - rim - tall])
        name = f"TV {rng.integers(1, 99)}"
        return (Stretch(kind=kind, begin=0, end=frames, box=(int(left), int(top), wide, tall), text=name),)
    lines, found, now = LINES[language if lettering(language, 12) else "en"], list[Stretch](), int(rng.integers(0, 20))
    tall, wide = height // 9, width * 9 // 10
    while now < frames - 20:
        end = min(frames, now + int(rng.integers(30, 80)))
        box = ((width - wide) // 2, height - tall - height // 30, wide, tall)
        found.append(Stretch(kind=kind, begin=now, end=end, box=box, text=str(rng.choice(lines))))
        now = end + int(rng.integers(0, 20))
    return tuple(found)
