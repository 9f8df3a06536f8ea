"""Training the landmark network, and writing it as ONNX."""

from __future__ import annotations

import copy
import math
import time
import warnings
from pathlib import Path

import onnx
import torch
from rich.console import Console
from torch import nn
from torch.nn import functional as F

from clef_rt.detect.landmarks import CROP_SIZE
from training.landmarks.model import Exported, LandmarkModel
from training.landmarks.sampler import Sampler

console = Console()


def train(sampler: Sampler, minutes: float, batch: int = 48, rate: float = 3e-3) -> LandmarkModel:
    """Train until the time is up; the learning rate follows the clock, so any time gives a finished model."""
    torch.manual_seed(0)
    model = LandmarkModel().to(memory_format=torch.channels_last)  # depthwise layers: twice as fast
    average = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.02)
    start, steps, losses = time.monotonic(), 0, [0.0, 0.0]
    while (done := (time.monotonic() - start) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = rate * min(done / 0.03 + 0.01, 1) * (0.5 + 0.5 * math.cos(math.pi * done))
        crops, landmarks, presence = sampler.batch(batch)
        points, logit = model(crops)
        mask = presence[:, None, None]
        point_loss = (F.smooth_l1_loss(points, landmarks, beta=0.01, reduction="none") * mask).sum() / mask.sum() / 10
        presence_loss = F.binary_cross_entropy_with_logits(logit, presence)
        optimizer.zero_grad()
        (20 * point_loss + presence_loss).backward()
        optimizer.step()
        steps += 1
        update_average(average, model, min(0.998, (1 + steps) / (10 + steps)))
        losses = [0.98 * a + 0.02 * b.item() for a, b in zip(losses, (point_loss, presence_loss), strict=True)]
        if steps % 500 == 0:
            console.print(f"{100 * done:3.0f} %  step {steps}  points {losses[0]:.4f}  presence {losses[1]:.4f}")
    console.print(f"{steps} steps of {batch}")
    return average.eval()


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move each weight and running statistic of the average a little towards the model's."""
    for own, new in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        if own.is_floating_point():
            own.lerp_(new, 1 - decay)
        else:
            own.copy_(new)


def export(model: LandmarkModel, path: Path) -> None:
    """Write the ONNX file: uint8 in, normalisation inside, any batch."""
    path.parent.mkdir(parents=True, exist_ok=True)
    crops = torch.zeros((2, CROP_SIZE, CROP_SIZE), dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of its own deprecated parts
        torch.onnx.export(
            Exported(model).eval(),
            (crops,),
            str(path),
            input_names=["crops"],
            output_names=["landmarks", "presence"],
            dynamic_shapes={"crops": {0: torch.export.Dim("n", min=1, max=4096)}},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    strip(path)


def strip(path: Path) -> None:
    """Take the exporter's stack traces out of an ONNX file: a quarter of it."""
    proto = onnx.load(path)
    for node in proto.graph.node:
        del node.metadata_props[:]
    del proto.graph.metadata_props[:], proto.metadata_props[:]
    for value in (*proto.graph.value_info, *proto.graph.input, *proto.graph.output, *proto.graph.initializer):
        del value.metadata_props[:]
    onnx.save(proto, path)
