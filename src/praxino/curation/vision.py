"""What a vision-language model says of shots, and what of it is believed.

The model is a folder of open weights that `transformers` reads (extra ``open-weights``); nothing is downloaded, and no
code of the folder is run. It is asked for the fields of a caption as JSON, language by language. What it says is kept
in the dataset's work folder, a line for each batch, so that a run that was interrupted asks no shot twice.
Shapes: t frames, h rows, w columns.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import file_digest, sha256
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np

from praxino.curation import cutout, study, words
from praxino.curation.caption import FIELDS, LANGUAGES, Captioner, Seen, believed
from praxino.curation.clip import Clip, Source
from praxino.media.fit import fit

FRAMES, WIDEST = 4, 640
"""Of a shot that are looked at, evenly from all of it, and how wide they are at most, in pixels."""
LONGEST = 160  # characters of a field
TOKENS = 320  # of an answer
NOTHING = re.compile(
    r"(?:|none|n/?a|unknown|unclear|not (?:visible|known|clear|applicable)|无|未知|不明|不清楚)\.?", re.IGNORECASE
)
PROMPTS: Mapping[str, str] = {
    "en": "These are {count} frames of one video shot, in order. Describe the shot as a JSON object with these keys, "
    "each a short English phrase: subject (who or what), action (what happens), scene (where), camera (a clause such "
    'as "the camera pans left" or "the camera is still"), style (of the picture), light. Use "" for what you cannot '
    "see. Answer with the JSON object alone.",
    "zh": "这是同一个视频镜头中按顺序排列的{count}帧。请用JSON对象描述这个镜头，键为subject（主体）、action（动作）、"
    "scene（场景）、camera（运镜，例如“镜头向左摇”或“镜头静止”）、style（画面风格）、light（光线），值为简短的中文。"
    '看不出的写""。只输出JSON对象。',
}


class Vision:
    """A vision-language model in a folder: a `Captioner`."""

    def __init__(self, folder: Path, *, device: str = "cpu", dtype: str = "auto", batch: int = 4) -> None:
        """Raises ValueError where the folder holds no such model, or `transformers` is not there."""
        weights = sorted(folder.glob("*.safetensors"))
        if not (folder / "config.json").is_file() or not weights:
            raise ValueError(f"captioner {folder} must be a folder with config.json and *.safetensors, of transformers")
        try:
            import torch
            from transformers import AutoModelForImageTextToText, AutoProcessor
        except ImportError as error:
            raise ValueError(f"a captioner needs `pip install 'praxino[open-weights]'` ({error})") from None
        here: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        try:
            self._processor: Any = AutoProcessor.from_pretrained(folder, **here)
            model: Any = AutoModelForImageTextToText.from_pretrained(folder, use_safetensors=True, dtype=dtype, **here)
            self._model: Any = model.to(torch.device(device)).eval()
        except (ImportError, OSError, ValueError, RuntimeError, KeyError) as error:
            raise ValueError(f"captioner {folder} cannot be opened: {str(error).strip()[:300]}") from None
        if getattr(self._processor, "chat_template", None) is None:
            raise ValueError(f"captioner {folder} has no chat template, so it cannot be asked; take an instruct model")
        self._processor.tokenizer.padding_side = "left"  # answers begin where questions end
        self.batch = batch
        self.name = _digest([folder / "config.json", *weights])

    def describe(self, clips: Sequence[np.ndarray]) -> list[Seen]:
        """Of clips (t, h, w, 3) uint8, what is seen, by language and field; {} where an answer cannot be read."""
        found: list[Seen] = [{} for _ in clips]
        for language in LANGUAGES:
            for mine, answer in zip(found, self._answers(clips, PROMPTS[language]), strict=True):
                if fields := parsed(answer):
                    mine[language] = fields
        return found

    def _answers(self, clips: Sequence[np.ndarray], prompt: str) -> list[str]:
        import torch
        from PIL import Image

        chats: list[Any] = []
        for clip in clips:
            asked = {"type": "text", "text": prompt.format(count=len(clip))}
            chats.append([{"role": "user", "content": [*({"type": "image"} for _ in clip), asked]}])
        texts = self._processor.apply_chat_template(chats, add_generation_prompt=True, tokenize=False)
        pictures = [[Image.fromarray(frame) for frame in clip] for clip in clips]
        given = self._processor(text=texts, images=pictures, padding=True, return_tensors="pt").to(self._model.device)
        kind = self._model.dtype
        given = {name: one.to(kind) if one.is_floating_point() else one for name, one in given.items()}
        with torch.inference_mode():
            out = self._model.generate(**given, max_new_tokens=TOKENS, do_sample=False)
        answers = out[:, given["input_ids"].shape[1] :]
        return self._processor.tokenizer.batch_decode(answers, skip_special_tokens=True)


def parsed(answer: str) -> dict[str, str]:
    """The fields of an answer: of its first JSON object, or what can be read of one that broke off; {} without any."""
    begin = answer.find("{")
    if begin < 0:
        return {}
    try:
        held: Any = json.JSONDecoder(strict=False).raw_decode(answer, begin)[0]
    except ValueError:
        pairs = re.findall(r'"(\w+)"\s*:\s*("(?:[^"\\]|\\.)*")', answer[begin:])
        held = {name: text for name, quoted in pairs if (text := _unquoted(quoted))}
    fields = {name: _phrase(held.get(name)) for name in FIELDS}
    return {name: text for name, text in fields.items() if text}


def look(
    clips: Sequence[Clip],
    sources: Sequence[Source],
    work: Path,
    captioner: Captioner,
    *,
    report: Callable[[float], None] = lambda _: None,
) -> dict[tuple[str, int], Seen]:
    """What the captioner sees in each kept clip, by its source's digest and first frame; each is asked once."""
    book = work / f"seen-{captioner.name}.jsonl"
    known = _read(book)
    left = sorted(
        (one for one in clips if one.kept and _key(one) not in known), key=lambda one: (one.digest, one.start)
    )
    left = list({_key(one): one for one in left}.values())
    shown, done = _shown(left, sources, work), 0
    with book.open("a", encoding="utf-8") as out:
        while mine := list(islice(shown, captioner.batch)):
            said = captioner.describe([frames for _, frames in mine])
            row = [[*_key(clip), seen] for (clip, _), seen in zip(mine, said, strict=True)]
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            out.flush()
            known |= {_key(clip): seen for (clip, _), seen in zip(mine, said, strict=True)}
            done += len(mine)
            report(done / len(left))
    return {(digest, start): seen for (digest, start, _), seen in known.items()}


def counts(clips: Sequence[Clip], seen: Mapping[tuple[str, int], Seen]) -> dict[str, Any]:
    """Of kept clips: how many were seen, whose answers said nothing, and fields that tags disproved, by name."""
    kept = [clip for clip in clips if clip.kept and (clip.digest, clip.start) in seen]
    unread = sum(not seen[clip.digest, clip.start] for clip in kept)
    false = Counter(why.split(":")[0] for clip in kept for why in believed(seen[clip.digest, clip.start], clip.tags)[1])
    return {"seen": len(kept) - unread, "unread": unread, "disproved": dict(sorted(false.items()))}


def _shown(left: Sequence[Clip], sources: Sequence[Source], work: Path) -> Iterator[tuple[Clip, np.ndarray]]:
    """The clips, by digest, and frames (t, h, w, 3) of each; those of a source that cannot be decoded are left out."""
    by_digest = {source.digest: source for source in sources}
    for digest in dict.fromkeys(one.digest for one in left):
        source, probe = by_digest[digest], study.opened(work, digest).probe
        mine = [one for one in left if one.digest == digest]
        if probe is None:
            continue
        wanted = {_key(one): set(_moments(one)) for one in mine}
        held: dict[tuple[str, int, int], list[np.ndarray]] = {key: [] for key in wanted}
        last = max(max(frames) for frames in wanted.values())
        for number, frame in cutout.frames(source):
            near = [one for one in mine if number in wanted[_key(one)]]
            whole = cutout.picture(frame, probe) if near else None
            for one in near:
                assert whole is not None
                held[_key(one)].append(_small(whole, one.crop))
                if len(held[_key(one)]) == len(wanted[_key(one)]):
                    yield one, np.stack(held.pop(_key(one)))
            if number >= last:
                break


def _moments(clip: Clip) -> list[int]:
    count = min(FRAMES, clip.end - clip.start)
    middles = (np.arange(count) + 0.5) / count
    return (clip.start + middles * (clip.end - clip.start)).astype(int).tolist()


def _small(whole: np.ndarray, crop: tuple[int, int, int, int] | None) -> np.ndarray:
    left, top, width, height = crop or (0, 0, whole.shape[1], whole.shape[0])
    part, scale = whole[top : top + height, left : left + width], min(1.0, WIDEST / max(width, height))
    size = max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)
    return fit(part[None], width=size[0], height=size[1], mode="crop")[0]


def _key(clip: Clip) -> tuple[str, int, int]:
    return clip.digest, clip.start, clip.end


def _read(book: Path) -> dict[tuple[str, int, int], Seen]:
    """What a book says; a last line that broke off says nothing, and goes."""
    if not book.exists():
        return {}
    text = book.read_text(encoding="utf-8", errors="replace")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        book.write_text(whole, encoding="utf-8")
    rows = [row for line in whole.splitlines() for row in json.loads(line)]
    return {(digest, start, end): seen for digest, start, end, seen in rows}


def _digest(files: Iterable[Path]) -> str:
    found = sha256()
    for path in files:
        with path.open("rb") as file:
            found.update(file_digest(file, "sha256").digest())
    return found.hexdigest()[:16]


def _unquoted(quoted: str) -> str:
    try:
        return cast("str", json.loads(quoted, strict=False))
    except ValueError:
        return ""


def _phrase(value: object) -> str:
    """A field as it may be said; "" where it says nothing."""
    text = words.clean(value)[:LONGEST].strip(" .。,，") if isinstance(value, str) else ""
    return "" if NOTHING.fullmatch(text) else text
