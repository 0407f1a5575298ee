"""Whether a film has a program of its own made (`fused`); torch is not needed to know."""

import shutil

PAYS = 3_000
"""Passes: making a program takes up to 20 seconds, and it saves two fifths of a pass (docs/log.md, 2026-11-27)."""


def pays(passes: int, device: object) -> bool:
    """Whether to make a program for so many passes: says the film and the machine, never a stopwatch."""
    return passes >= PAYS and able(device)


def able(device: object) -> bool:
    """Whether `torch.compile` has a compiler for this device: a `torch.device`, or its name."""
    return str(device).startswith("cuda") or shutil.which("c++") is not None
