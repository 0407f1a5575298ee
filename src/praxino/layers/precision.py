"""Which precision a device multiplies fastest in, and training in it.

It is told by what the processor says of itself and never by a stopwatch: a film must not depend on what else runs.
"""

from functools import cache
from typing import Any

import torch


def fastest(device: torch.device | str) -> torch.dtype:
    """bfloat16 where the device multiplies it at full rate; else float32."""
    quick = torch.device(device).type == "cuda" or _cpu_is_quick()
    return torch.bfloat16 if quick else torch.float32


def mixed(device: torch.device | str) -> torch.autocast:
    """A context in which products run in the fastest precision while weights and sums stay as they are."""
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=fastest(device) == torch.bfloat16)


def fuses_attention() -> bool:
    """Whether torch's fused attention of bfloat16 is as fast as products on this CPU: it uses AMX, but not AVX512-BF16.

    Without AMX it takes twice as long as the products alone (docs/log.md, 2026-11-28).
    """
    can = _cpu()
    return bool(can.get("amx_bf16")) or not _cpu_is_quick()


@cache
def _cpu_is_quick() -> bool:
    """AMX, or AVX512-BF16 but for Intel's: without AMX its products run at half the speed of float32 (docs/log.md)."""
    can = _cpu()
    return bool(can.get("amx_bf16")) or (bool(can.get("avx512_bf16")) and "Intel" not in can.get("cpu_name", ""))


@cache
def _cpu() -> dict[str, Any]:
    """What the processor says of itself."""
    return getattr(torch.cpu, "get_capabilities", dict)()
