"""How many floating-point operations a picture costs, counted by PyTorch."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from training.loader import Batch
from training.model import ClefModel

__all__ = ["encoder_flops", "training_flops"]


def training_flops(stage: nn.Module, batch: Batch) -> float:
    """Operations of one picture in training: forward and backward, projections, texts and losses among them.

    Matrix products, convolutions and attention are counted, a multiplication with its addition as two; element-wise
    work (norms, activations, the optimizer) and the augmentation aren't. Attention is counted in its plain form, so
    the number doesn't depend on the device's own kernels. In stage 1 a picture is seen twice.

    Args:
        stage: `Stage1` or `Stage2`; its gradients are cleared.
        batch: on the stage's device.
    """
    augment = stage.augment
    stage.augment = nn.Identity()
    counter = FlopCounterMode(display=False)
    try:
        with counter, sdpa_kernel(SDPBackend.MATH):
            losses = stage(batch, torch.Generator().manual_seed(0))
            torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
    finally:
        stage.augment = augment
        stage.zero_grad(set_to_none=True)
    return float(counter.get_total_flops()) / len(batch.faces)


@torch.no_grad()
def encoder_flops(model: ClefModel) -> float:
    """Operations of the image encoder for one picture, forward alone: what it costs in use. Counted as above."""
    size, channels = model.config.image_size, model.config.channels
    training = model.training
    counter = FlopCounterMode(display=False)
    try:
        model.eval()
        with counter, sdpa_kernel(SDPBackend.MATH):
            model.encoder(torch.zeros(1, channels, size, size, device=model.mean.device))
    finally:
        model.train(training)
    return float(counter.get_total_flops())
