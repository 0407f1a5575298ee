"""How a team holds the networks that it trains: whole on each rank, or cut into shards of which each rank has one.

Neither what is computed nor what is learned depends on it, beyond the order in which float32 numbers are added up.
"""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.utils.checkpoint import checkpoint

from praxino.layers import precision
from praxino.training.parallel import Team
from praxino.transformer.model import Transformer


@dataclass(frozen=True, kw_only=True)
class Spread:
    """What is spent to hold a larger model: messages between ranks, or time."""

    fsdp: bool = False  # weights, gradients, averages and optimizer in shards, one for each rank (FSDP2)
    checkpoint_activations: bool = False  # of each block its input is kept, the rest computed again on the way back
    sequence: int = 1  # ranks that share the tokens of each sample (`transformer.sequence`), for long clips

    def shards(self, team: Team) -> bool:
        """Whether there is more than one shard."""
        return self.fsdp and team.size > 1

    def check(self, ranks: int) -> None:
        """Raises ValueError where so many ranks are no whole number of groups that share samples."""
        if ranks % self.sequence:
            fitting = [n for n in range(1, ranks + 1) if ranks % n == 0]
            raise ValueError(f"sequence {self.sequence} does not divide {ranks} ranks; use one of {fitting}")

    def group(self, team: Team) -> DeviceMesh | None:
        """The ranks that share a sample with this one, neighbours on one machine; None: it has its own."""
        self.check(team.size)
        if self.sequence == 1:
            return None
        shape = (team.size // self.sequence, self.sequence)
        return init_device_mesh(team.device, shape, mesh_dim_names=("data", "sequence"))["sequence"]


def shard(pair: nn.Module, transformer: Transformer, *, device: str) -> None:
    """Cut the weights of a pair of networks into one shard for each rank, block by block; the rest is the root's.

    Before a block is needed its weights are gathered, in the precision that it multiplies in; gradients are added up
    in float32, and their mean over the ranks is what a rank keeps of its own shard.
    """
    # Nothing here adds in place to what a block has made.
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view tensor")
    quick = precision.fastest(device)
    narrow = None if quick == torch.float32 else quick
    policy = MixedPrecisionPolicy(param_dtype=narrow, reduce_dtype=torch.float32, cast_forward_inputs=False)
    wrap = partial(fully_shard, mesh=init_device_mesh(device, (dist.get_world_size(),)), mp_policy=policy)
    for block in transformer.blocks:
        # A text is read for all blocks before the first of them runs, by these three (`Transformer.read`).
        hears = block.get_submodule("cross_attention")
        wrap([hears.get_submodule(name) for name in ("to_k", "norm_k", "to_v")])
        wrap(block)
    wrap(pair)
    register_fsdp_forward_method(pair, "outlook")


@torch.no_grad()
def deal(pair: nn.Module, whole: nn.Module | None, *, device: str) -> None:
    """Fill a sharded pair that has no memory yet (`torch.device("meta")`) from what the first rank has whole."""
    pair.to_empty(device=device)
    held = {} if whole is None else whole.state_dict()
    for name, target in pair.state_dict().items():
        empty = torch.empty(target.shape, dtype=target.dtype, device=device)  # one at a time
        source = held[name].to(device) if name in held else empty
        if isinstance(target, DTensor):
            target.copy_(distribute_tensor(source, target.device_mesh, target.placements))
        else:
            dist.broadcast(source, 0)
            target.copy_(source)


def forget_activations(transformer: Transformer) -> None:
    """Keep what goes into a block and compute the rest again on the way back (Chen et al. 2016): bit for bit the same.

    Before `shard` and before compiling: weights are gathered first, then the block is computed again.
    """
    for block in transformer.blocks:
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)


def local(tensor: Tensor) -> Tensor:
    """What this rank holds of a tensor: its shard, or all of it."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def whole(tensor: Tensor) -> Tensor:
    """The whole of a tensor, on all ranks, each of which has to ask for it."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


@torch.no_grad()
def fill(targets: Iterable[Tensor], values: Iterable[Tensor]) -> None:
    """Put whole tensors where this rank holds them, or its shards of them."""
    for target, value in zip(targets, values, strict=True):
        if isinstance(target, DTensor):
            mine = distribute_tensor(
                value.to(target.device, target.dtype), target.device_mesh, target.placements, src_data_rank=None
            )
            target.copy_(mine)
        else:
            target.copy_(value)
