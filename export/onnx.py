"""The two sides as ONNX graphs, n = 1 … 64.

The image encoder: `faces` (n, S, S, C) uint8 to `embeddings` (n, d) float32. The projection of texts: `features` (n, f)
float32 to the same.
"""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any, Final

from clef_rt.errors import EncoderError, MissingExtra

if TYPE_CHECKING:
    import torch

__all__ = ["MAX_BATCH", "OPSET", "export_onnx", "export_text_onnx"]

OPSET: Final = 18
MAX_IR: Final = 10  # what onnxruntime 1.20, our floor, reads
MAX_BATCH: Final = 64


def export_onnx(module: torch.nn.Module, size: int, channels: int) -> bytes:
    """Trace the module, and check the graph.

    Args:
        module: takes (n, S, S, C) uint8, gives (n, d) float32.
        size: S, px.
        channels: C.

    Returns:
        The graph with its weights in it, and without the traces of source lines and paths that torch puts there.

    Raises:
        EncoderError: torch can't trace it, or the graph isn't valid.
        MissingExtra: onnx or onnxscript isn't installed.
    """
    return _trace(module, "faces", (size, size, channels), "uint8", "The encoder")


def export_text_onnx(module: torch.nn.Module, features: int) -> bytes:
    """Likewise for the projection of texts.

    Args:
        module: takes (n, f) float32, gives (n, d) float32.
        features: f.

    Raises:
        EncoderError: as for `export_onnx`.
        MissingExtra: likewise.
    """
    return _trace(module, "features", (features,), "float32", "The projection of texts")


def _trace(module: torch.nn.Module, name: str, shape: tuple[int, ...], dtype: str, what: str) -> bytes:
    try:
        import onnx
        import onnxscript  # noqa: F401  torch's exporter needs it
    except ImportError as error:
        raise MissingExtra(error.name or "onnx", "export") from None
    import torch

    example = torch.zeros(2, *shape, dtype=getattr(torch, dtype))
    batch = torch.export.Dim("n", min=1, max=MAX_BATCH)
    try:
        with warnings.catch_warnings():
            # The exporter's, about its own insides and about torchvision, which it doesn't need.
            warnings.simplefilter("ignore")
            logging.getLogger("torch.onnx").setLevel(logging.ERROR)
            program = torch.onnx.export(
                module.eval(),
                (example,),
                dynamo=True,
                dynamic_shapes=({0: batch},),
                input_names=[name],
                output_names=["embeddings"],
                opset_version=OPSET,
                external_data=False,
                verbose=False,
            )
        assert program is not None
        model = program.model_proto
        _strip(model)
        model.ir_version = min(model.ir_version, MAX_IR)
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # torch's exporter raises its own kinds, and those of what it calls
        first = (str(error).strip().splitlines() or [""])[0]
        raise EncoderError(f"{what} can't be made an ONNX graph: {type(error).__name__}: {first}") from error
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _strip(model: Any) -> None:
    """Remove documentation and metadata: torch writes source lines and file paths of the machine that exported."""
    model.doc_string = ""
    del model.metadata_props[:]
    for graph in (model.graph, *model.functions):
        graph.doc_string = ""
        parts = [graph, *graph.node, *graph.value_info]
        if hasattr(graph, "initializer"):
            parts += [*graph.initializer, *graph.input, *graph.output]
        for part in parts:
            part.doc_string = ""
            if hasattr(part, "metadata_props"):
                del part.metadata_props[:]
