"""Other frames in the middle of a film; what is not touched is copied as it is, packet by packet."""
# pyright: reportUnknownMemberType=false

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from praxino.media import labels, provenance, read, signing
from praxino.media.write import WHOLE, Writer


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Frames [begin, end) of a film, and what replaces them, as many."""

    begin: int
    end: int
    frames: Iterable[np.ndarray]  # (h, w, 3) uint8 each


def splice(film: Path, cut: Cut, output: Path, *, metadata: Mapping[str, str]) -> None:
    """Write the film with other frames in a cut, whole or not at all.

    Only the groups of pictures (two seconds in Praxino's own films) that the cut touches are encoded again; all others
    keep their bits. A film that others encoded is encoded again whole. One with a recipe is signed last.
    """
    if labels.RECIPE in metadata:
        signing.identity()  # as of a Writer
    about = read.probe(film)
    edges = [*_keys(film), about.frames]
    first = max(edge for edge in edges if edge <= cut.begin)
    last = min(edge for edge in edges if edge >= cut.end)
    with tempfile.TemporaryDirectory(dir=output.absolute().parent) as folder:
        middle = Path(folder) / "middle.mp4"

        with Writer(middle, width=about.width, height=about.height, fps=about.fps) as out:
            for frame in _replaced(film, cut, first, last):
                out.write(frame)
        if _settings(film) == _settings(middle):
            _joined(film, middle, (first, last), output, metadata)
            return
        with Writer(output, width=about.width, height=about.height, fps=about.fps, metadata=metadata) as out:
            middles = read.stream(middle)
            for frame in chain(islice(read.stream(film), first), middles, islice(read.stream(film), last, None)):
                out.write(frame)


def _replaced(film: Path, cut: Cut, first: int, last: int) -> Iterator[np.ndarray]:
    """The frames [first, last) of the film with the cut's in place of its own."""
    yield from islice(read.stream(film), first, cut.begin)
    yield from cut.frames
    yield from islice(read.stream(film), cut.end, last)


def _keys(film: Path) -> list[int]:
    """Numbers of the frames that groups of pictures begin with."""
    with av.open(str(film.absolute())) as container:
        video = container.streams.video[0]
        packets = [packet for packet in container.demux(video) if packet.pts is not None]
    shown = sorted(packet.pts for packet in packets if packet.pts is not None)
    order = {pts: number for number, pts in enumerate(shown)}
    return sorted(order[packet.pts] for packet in packets if packet.is_keyframe and packet.pts is not None)


def _settings(film: Path) -> tuple[object, ...]:
    """What two films must have in common for their packets to follow one another."""
    with av.open(str(film.absolute())) as container:
        video = container.streams.video[0]
        return (video.codec_context.name, video.codec_context.extradata, video.time_base, video.average_rate)


def _joined(film: Path, middle: Path, span: tuple[int, int], output: Path, metadata: Mapping[str, str]) -> None:
    """The film's groups before and after the span, the middle's between them."""
    whole = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    try:
        with (
            av.open(str(film.absolute())) as outer,
            av.open(str(middle.absolute())) as inner,
            av.open(str(whole.absolute()), "w", format="mp4", options=WHOLE) as out,
        ):
            out.metadata.update(metadata)
            stream = out.add_stream_from_template(outer.streams.video[0])
            old, new = _packets(outer), _packets(inner)
            tick = _tick(old)
            start = min(packet.pts or 0 for packet in old)
            begin, end = (start + number * tick for number in span)
            groups = _groups(old)
            before = [packet for pts, group in groups if pts < begin for packet in group]
            after = [packet for pts, group in groups if pts >= end for packet in group]
            shift = begin - min(packet.pts or 0 for packet in new)
            for packet in new:
                packet.pts, packet.dts = (packet.pts or 0) + shift, (packet.dts or 0) + shift
            for packet in [*before, *new, *after]:
                packet.stream = stream
                out.mux(packet)
        provenance.settle(whole, output, metadata)
    finally:
        whole.unlink(missing_ok=True)


def _packets(container: InputContainer) -> "list[Packet[VideoStream]]":
    video = container.streams.video[0]
    return [packet for packet in container.demux(video) if packet.dts is not None]


def _groups(packets: "list[Packet[VideoStream]]") -> "list[tuple[int, list[Packet[VideoStream]]]]":
    """The packets by group of pictures, each with the time it begins at."""
    out: list[tuple[int, list[Packet[VideoStream]]]] = []
    for packet in packets:
        if packet.is_keyframe:
            out.append((packet.pts or 0, []))
        out[-1][1].append(packet)
    return out


def _tick(packets: "list[Packet[VideoStream]]") -> int:
    """Time between two frames."""
    shown = sorted(packet.pts or 0 for packet in packets)
    return round((shown[-1] - shown[0]) / (len(shown) - 1)) if len(shown) > 1 else 1
