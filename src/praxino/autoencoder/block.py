"""The residual block of the autoencoder: one convolution in space, a causal pair of taps in time.

Shapes: b batch, t frames, h rows, w columns, d channels.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

State = dict[str, Tensor]
"""What causal blocks remember between pieces: the last frame each one saw, by the block's name."""


class Block(nn.Module):
    """x (b, t, h, w, d) plus a 3x3 convolution of each frame and a mix of each frame with the one before it.

    Before the first frame stands zero; ``state`` carries the last frame from piece to piece, so pieces equal the whole.
    """

    def __init__(self, width: int, *, name: str) -> None:
        super().__init__()
        self.name = name
        self.norm = nn.LayerNorm(width)
        self.space = nn.Conv2d(width, width, 3, padding=1)
        self.now, self.before = nn.Linear(width, width), nn.Linear(width, width, bias=False)
        nn.init.zeros_(self.now.weight)
        nn.init.zeros_(self.now.bias)
        nn.init.zeros_(self.before.weight)

    def forward(self, x: Tensor, state: State) -> Tensor:
        b = x.shape[0]
        y = self.norm(x).to(x.dtype)
        y = self.space(rearrange(y, "b t h w d -> (b t) d h w").contiguous(memory_format=torch.channels_last))
        y = F.silu(rearrange(y, "(b t) d h w -> b t h w d", b=b))
        last = state.get(self.name)
        past = torch.cat([torch.zeros_like(y[:, :1]) if last is None else last, y[:, :-1]], 1)
        state[self.name] = y[:, -1:]
        return x + self.now(y) + self.before(past)
