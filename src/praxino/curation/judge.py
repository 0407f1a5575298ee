"""From tags to a verdict: which shots are kept, why the others are not, and what is said of each.

Nothing is decoded here, so a new recipe costs seconds. The order: rules, then duplicates among what passed them, so
that of two copies the one that is good enough stays, then balance.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from praxino.curation import balance, caption, rules, study, words
from praxino.curation.clip import Clip, Probe, Source
from praxino.curation.dedupe import Candidate, dedupe
from praxino.curation.fingerprint import Print
from praxino.curation.rules import Recipe

VERSION = 1
Progress = Callable[[float], None]


def judge(
    sources: Sequence[Source],
    work: Path,
    recipe: Recipe,
    *,
    seen: Mapping[tuple[str, int], caption.Seen] | None = None,
    report: Progress = lambda _: None,
) -> list[Clip]:
    """A clip for each shot of each source, and one for each source without any; by uri, then by frame.

    ``seen`` is what a captioner sees in shots, by digest and first frame.
    """
    clips: list[Clip] = []
    candidates: list[Candidate] = []
    for count, source in enumerate(ordered := sorted(sources, key=lambda source: source.uri)):
        known = study.opened(work, source.digest)
        clips += _shots(source, known, recipe, seen or {})
        if known.probe is not None and known.shots:
            hashes, pictures = study.prints(work, source.digest)
            candidates += [
                _candidate(
                    source,
                    known.probe,
                    shot,
                    Print(hashes=hashes[shot.first : shot.last], pictures=pictures[shot.first : shot.last]),
                )
                for shot in known.shots
            ]
        report(0.6 * (count + 1) / len(ordered))
    shots = {(clip.source, clip.start): i for i, clip in enumerate(clips)}
    prints = {shots[one.uri, one.start]: one for one in candidates}
    if recipe.dedupe:
        _drop_twins(clips, prints)
    report(0.9)
    if recipe.balance is not None:
        left = [i for i, clip in enumerate(clips) if clip.kept]
        how = recipe.balance
        concepts = [
            [balance.looks(prints[i].print)] if how.by == "looks" else balance.words(clips[i].captions["en"])
            for i in left
        ]
        names = [f"{clips[i].digest} {clips[i].start}" for i in left]
        for k, reason in balance.balance(names, concepts, how).items():
            clips[left[k]] = replace(clips[left[k]], kept=False, reason=reason)
    report(1.0)
    return clips


def _shots(
    source: Source, known: study.Study, recipe: Recipe, seen: Mapping[tuple[str, int], caption.Seen]
) -> list[Clip]:
    if known.broken or not known.shots:
        reason = f"ingest: {known.broken}" if known.broken else "cut: it is all transition"
        return [Clip(source=source.uri, digest=source.digest, start=0, end=0, kept=False, reason=reason)]
    told = words.beside(source.path, source.beside, known.told)
    times: list[float] = []
    out: list[Clip] = []
    for shot in known.shots:
        reason = rules.broken(recipe, shot.tags)
        spoken = ""
        if told.spoken and known.probe is not None:
            times = times or [shot.start / known.probe.fps]
            spoken = words.during(told, shot.start / known.probe.fps, shot.end / known.probe.fps)
        mine = caption.which(told, shot.start, shot.end, known.frames)
        seed = _seed(source.digest, shot.start, recipe.caption_seed)
        captions = caption.caption(
            shot.tags, mine, seed=seed, spoken=spoken, seen=seen.get((source.digest, shot.start))
        )
        out.append(
            Clip(
                source=source.uri, digest=source.digest, start=shot.start, end=shot.end, shot=shot.shot,
                tags=dict(shot.tags), crop=shot.crop, kept=not reason, reason=reason, captions=captions,
            )
        )  # fmt: skip
    return out


def _candidate(source: Source, probe: Probe, shot: study.Shot, found: Print) -> Candidate:
    width, height = shot.crop[2:] if shot.crop else (probe.width, probe.height)
    sharpness = shot.tags.get("sharpness")
    return Candidate(
        uri=source.uri,
        start=shot.start,
        end=shot.end,
        digest=source.digest,
        print=found,
        pixels=width * height,
        sharpness=float(sharpness) if isinstance(sharpness, int | float) else 0.0,
        borders=1 - width * height / (probe.width * probe.height),
    )


def _drop_twins(clips: list[Clip], prints: dict[int, Candidate]) -> None:
    left = [i for i, clip in enumerate(clips) if clip.kept and i in prints]
    says = {"exact": "the same file as", "near": "looks the same as", "part": "is a part of"}
    for twin in dedupe([prints[i] for i in left]):
        of = clips[left[twin.of]]
        reason = f"dedupe: {says[twin.how]} {of.source} frame {(of.shot or (of.start, of.end))[0]}"
        clips[left[twin.which]] = replace(clips[left[twin.which]], kept=False, reason=reason)


def _seed(digest: str, start: int, seed: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{digest} {start} {seed}".encode()).digest()[:4], "big")
