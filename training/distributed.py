"""Several processes as one: the devices, and rows gathered from all of them."""

from __future__ import annotations

import os
from typing import Any

import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor

from clef_rt.errors import ConfigError
from training.config import LoopSettings

__all__ = ["gather", "launch", "share_out"]


def launch(settings: LoopSettings) -> Fabric:
    """Take the devices; start the other processes, unless `torchrun` or `fabric run` did.

    Raises:
        ConfigError: there is no such accelerator, device or precision, or the batch can't be shared out evenly.
    """
    if "LT_CLI_USED" in os.environ:  # `fabric run` gives all of it
        where: dict[str, Any] = {}
    elif "LOCAL_WORLD_SIZE" in os.environ:  # torchrun
        local = int(os.environ["LOCAL_WORLD_SIZE"])
        nodes = int(os.environ["WORLD_SIZE"]) // local
        where = {"accelerator": settings.accelerator, "devices": local, "num_nodes": nodes}
    else:
        where = {"accelerator": settings.accelerator, "devices": settings.devices, "num_nodes": settings.nodes}
    if "LT_PRECISION" not in os.environ:
        where["precision"] = settings.precision
    several = "LT_STRATEGY" not in os.environ and int(os.environ.get("LT_DEVICES", where.get("devices", 1))) > 1
    if several or where.get("num_nodes", 1) > 1:
        # Not every step uses every weight: a batch may hold no Action Unit, say.
        where["strategy"] = DDPStrategy(find_unused_parameters=True)
    try:
        fabric = Fabric(**where)
        if "LT_CLI_USED" not in os.environ:  # there, the processes run already
            fabric.launch()
    except (ValueError, RuntimeError) as error:  # Fabric's words for: no such device, or none here
        raise ConfigError(f"No such device: {str(error).splitlines()[0]}", "See --accelerator, --devices.") from None
    share_out(settings.batch, fabric.world_size)
    return fabric


def share_out(batch: int, processes: int) -> int:
    """Faces a process and step.

    Raises:
        ConfigError: the batch doesn't go into equal parts.
    """
    if batch % processes:
        fits = batch - batch % processes
        raise ConfigError(
            f"A batch of {batch} can't be shared out among {processes} processes.", f"Give --batch {fits}."
        )
    return batch // processes


def gather(values: Tensor) -> Tensor:
    """The rows of all processes, one after the other; the gradient goes back to whose rows they are.

    With it each process computes the loss of the whole batch, and DDP's mean of their gradients is that loss's own
    gradient: contrastive learning sees the same negatives on one device and on many.

    Args:
        values: (n, …), the same n in each process.

    Returns:
        (processes · n, …).
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return values
    result: Tensor = _Gather.apply(values)  # type: ignore[no-untyped-call]
    return result


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        ctx.rows = len(values)
        parts = [torch.empty_like(values) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, values.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        start = dist.get_rank() * ctx.rows
        return total[start : start + ctx.rows]
