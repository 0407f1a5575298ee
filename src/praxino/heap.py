"""Large buffers stay with the process: without this the kernel clears every page of them again and again."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
"""Numbers of glibc's parameters (malloc.h)."""
MOST = 2**31 - 1
LARGE, USUAL = 2**20, 2**25
"""Bytes from which on a buffer is mapped of its own: while heaps are shed, and where glibc itself ends up."""
_settings = {"kept": False}


def keep() -> None:
    """From now on glibc keeps what is freed, for the next buffer as large (docs/log.md, 2026-11-24 and 2026-11-27).

    Frames are finished in half of the time. Other C libraries are left as they are.
    """
    _settings["kept"] = True
    _set({MMAP_THRESHOLD: MOST, TRIM_THRESHOLD: MOST, ARENA_MAX: 1})


@contextmanager
def shed() -> Iterator[None]:
    """Meanwhile a large buffer goes back to the kernel as soon as it is freed.

    For what makes much and keeps little of it: what is kept would lie between holes that nothing fits (docs/log.md).
    """
    _set({MMAP_THRESHOLD: LARGE})
    try:
        yield
    finally:
        _set({MMAP_THRESHOLD: MOST if _settings["kept"] else USUAL})


def _set(parameters: dict[int, int]) -> None:
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for parameter, value in parameters.items():
        mallopt(parameter, value)
