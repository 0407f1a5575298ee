"""The Gaussian error linear unit (Hendrycks & Gimpel 2016), in the form with a tanh that Wan was trained with."""

import torch
import torch.nn.functional as F
from torch import Tensor


def gelu(x: Tensor) -> Tensor:
    """0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).

    In bfloat16 on a CPU the exact form stands in for it: it differs by less than bfloat16 rounds, and its kernel is
    five times as fast (docs/log.md, 2026-11-27). In a program made by `torch.compile` it is the same written with a
    sigmoid, one exponential instead of two. `gelu_slowly` is what all must equal.
    """
    if torch.compiler.is_compiling():
        return x * torch.sigmoid(2 * (2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3))
    if x.dtype == torch.bfloat16 and x.device.type == "cpu":
        return F.gelu(x)
    return F.gelu(x, approximate="tanh")


def gelu_slowly(x: Tensor) -> Tensor:
    """The same, written out."""
    return 0.5 * x * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)))
