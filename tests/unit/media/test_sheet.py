"""Contact sheets."""

import numpy as np

from praxino.media.sheet import blocks


def test_a_terminal_sees_the_sheet_in_half_blocks() -> None:
    picture = np.zeros((10, 20, 3), np.uint8)
    picture[:5] = (200, 10, 10)
    lines = blocks(picture, columns=4).splitlines()
    assert len(lines) == 1
    assert lines[0].count("▀") == 4
    assert "38;2;200;10;10" in lines[0]
    assert "48;2;0;0;0" in lines[0]
