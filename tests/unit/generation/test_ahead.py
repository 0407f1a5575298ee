"""Work in a thread of its own: in order, errors and all, and over when no one wants more."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from threading import Event

import pytest
import torch

from praxino.generation.ahead import ahead, halves


def test_everything_comes_in_order_and_some_of_it_early() -> None:
    made: list[int] = []

    def source() -> Iterator[int]:
        for k in range(50):
            made.append(k)
            yield k

    items = ahead(source(), room=4, stop=Event())
    assert next(items) == 0
    time.sleep(0.2)
    assert 4 <= len(made) <= 7, "no further ahead than there is room"
    assert list(items) == list(range(1, 50))


def test_what_goes_wrong_there_goes_wrong_here() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    items = ahead(source(), room=4, stop=Event())
    assert next(items) == 1
    with pytest.raises(ValueError, match="no more"):
        next(items)


def test_who_leaves_early_leaves_no_one_working() -> None:
    stop = Event()

    def source() -> Iterator[int]:
        while True:
            for _ in range(1000):
                if stop.is_set():
                    raise CancelledError
                time.sleep(0.001)
            yield 1

    items = ahead(source(), room=4, stop=stop)
    assert next(items) == 1
    begun = time.monotonic()
    items.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert time.monotonic() - begun < 0.5
    assert not [thread for thread in threading.enumerate() if thread.name == "ahead"]


def test_threads_are_halved_and_given_back() -> None:
    before = torch.get_num_threads()
    with halves():
        assert torch.get_num_threads() == max(1, before // 2)
    assert torch.get_num_threads() == before
