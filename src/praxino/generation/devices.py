"""What films may be made on, and how fast each is said to be."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Device:
    """One of the places where a worker makes films."""

    label: str
    tflops: float | None  # dense bfloat16, as its maker documents; None: its speed was measured (`service`)
    price: float  # of an hour, in US dollars: a round assumption, on demand, 2026; `--price` says better


DEVICES = {
    "cpu": Device(label="two cores of a Xeon with AMX", tflops=None, price=0.08),
    "l4": Device(label="NVIDIA L4", tflops=121, price=0.7),
    "rtx4090": Device(label="NVIDIA GeForce RTX 4090", tflops=165, price=0.5),
    "a100": Device(label="NVIDIA A100 80 GB", tflops=312, price=1.6),
    "l40s": Device(label="NVIDIA L40S", tflops=362, price=1.2),
    "h100": Device(label="NVIDIA H100 SXM", tflops=989, price=2.8),
    "h200": Device(label="NVIDIA H200 SXM", tflops=989, price=3.6),
    "mi300x": Device(label="AMD Instinct MI300X", tflops=1307, price=3.0),
    "b200": Device(label="NVIDIA B200", tflops=2250, price=5.5),
}


def device(name: str) -> Device:
    """The device of this name. Raises ValueError where none has it."""
    if name not in DEVICES:
        raise ValueError(f"device {name!r} is not known; choose one of {', '.join(DEVICES)}")
    return DEVICES[name]
