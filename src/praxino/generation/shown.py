"""What an image-conditioned Wan is shown of a film's start and end, beside the latents that it makes.

With each latent it is given a mask, whose four channels say which of its frames are shown, and the latent of a clip
that holds the shown frames and grey between; its blocks look at the tokens of the pictures (Wan 2.1, arXiv 2503.20314).
Shapes: f frames, t latents, h rows, w columns, c latent channels, m tokens.
"""

import numpy as np
import torch
from einops import rearrange, repeat
from torch import Tensor

from praxino import geometry
from praxino.generation.frame import Frame
from praxino.generation.parts import Parts
from praxino.pixels import unit


@torch.inference_mode()
def shown(
    start: np.ndarray | None, end: np.ndarray | None, shape: torch.Size, parts: Parts, frame: Frame
) -> tuple[Tensor, Tensor | None]:
    """What is given with each latent (1, t, h, w, time + c), and the tokens (1, m, d) of the pictures, if it has eyes.

    ``start`` are native frames (f, h, w, 3) uint8, ``end`` (h, w, 3) is at the output's size, ``shape`` that of the
    latents (1, t, h, w, c).
    """
    time, device = parts.compression.time, parts.autoencoder.mean.device
    frames = geometry.frames_of(shape[1], time)
    video = torch.zeros(frames, frame.native_height, frame.native_width, 3)
    holds = torch.zeros(frames, device=device)
    pictures = list[np.ndarray]()
    if start is not None:
        video[: len(start)], holds[: len(start)] = unit(start), 1
        pictures.append(start[-1])
    if end is not None:
        last = frame.into_native(end[None])
        video[-1], holds[-1] = unit(last[0]), 1
        pictures.append(last[0])
    latents = parts.autoencoder.encode(video.to(device)[None]).float()
    mask = rearrange(torch.cat([holds[:1].expand(time - 1), holds]), "(t s) -> t s", s=time)
    mask = repeat(mask, "t s -> 1 t h w s", h=shape[2], w=shape[3])
    tokens = None
    if parts.picture is not None:
        tokens = torch.cat([parts.picture(one) for one in pictures], 1)
    return torch.cat([mask, latents], -1), tokens
