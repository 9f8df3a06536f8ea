"""The detector as an ONNX file."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch

from training.detector.model import DetectorModel, Exported
from training.landmarks.fit import strip

__all__ = ["export"]


def export(model: DetectorModel, path: Path) -> None:
    """Write the ONNX file: (H, W) uint8 in, any multiples of 32; normalisation and decoding inside."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = torch.zeros((192, 320), dtype=torch.uint8)
    sides = {0: 32 * torch.export.Dim("rows", min=1, max=256), 1: 32 * torch.export.Dim("columns", min=1, max=256)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of its own deprecated parts
        torch.onnx.export(
            Exported(model).eval(),
            (image,),
            str(path),
            input_names=["image"],
            output_names=["scores", "boxes", "landmarks"],
            dynamic_shapes={"image": sides},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    strip(path)
