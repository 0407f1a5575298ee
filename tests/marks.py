"""What tests need to know of a film's signature."""

from pathlib import Path

from praxino.media.provenance import BOX


def unsigned(film: Path) -> bytes:
    """The film's bytes without the box that its manifest is in, which is another each time."""
    data = film.read_bytes()
    begin = data.index(BOX) - 8  # ISO/IEC 14496-12: size, "uuid", which one
    return data[:begin] + data[begin + int.from_bytes(data[begin : begin + 4], "big") :]
