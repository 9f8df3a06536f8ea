"""The encoder on OpenVINO, for CPUs: in bfloat16 where the processor has it, else in float32."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clef_rt.cores import usable_cores
from clef_rt.encode.batches import Profile, encode_in_runs
from clef_rt.encode.checks import AGAIN, check_crops, check_signature, check_unit, first_line, refuse_outside_weights
from clef_rt.errors import EncoderError, MissingExtra

__all__ = ["OpenVinoEncoder", "import_openvino"]

_DTYPES: Final = {"u8": "uint8", "f32": "float32"}


class OpenVinoEncoder:
    """Runs a bundle's graph on the CPU. Used by one thread.

    Attributes:
        description: version, precisions and threads, for logs and `clef-rt doctor`.

    Args:
        model: the ONNX graph.
        size: side S of the crops, px.
        channels: C.
        embedding_dim: d.
        precision: of the graph.
        threads: of one run; None for all cores that this process may use.
        max_batch: the most crops in one run.

    Raises:
        EncoderError: OpenVINO makes nothing of the graph.
        MissingExtra: it isn't installed.
    """

    def __init__(
        self,
        model: bytes,
        *,
        size: int,
        channels: int,
        embedding_dim: int,
        precision: str,
        threads: int | None = None,
        max_batch: int = 32,
    ) -> None:
        refuse_outside_weights(model)
        openvino = import_openvino()
        threads = threads or usable_cores()
        self._crop = (size, size, channels)
        self._dim = embedding_dim
        self._profile = Profile.up_to(max_batch)
        settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
        try:
            core = openvino.Core()
            compiled = core.compile_model(core.read_model(model), "CPU", settings)
            self._request = compiled.create_infer_request()
            run = str(compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name())
        except Exception as error:  # RuntimeError as a rule, and others of pybind11's
            raise EncoderError(f"OpenVINO can't load the encoder: {first_line(error)}", AGAIN) from error
        sides = (*compiled.inputs, *compiled.outputs)
        check_signature([_side(side) for side in sides], self._crop, self._dim)
        check_unit(self.encode, self._crop)
        ran = ", run in bf16" if run == "bf16" else ""
        version = str(openvino.__version__).split("-")[0]
        self.description = f"OpenVINO {version}, {precision}{ran}, {threads} threads"

    def encode(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `clef_rt.encode.Encoder.encode`.

        Raises:
            ValueError: the crops are of another shape or dtype.
            EncoderError: the engine fails.
        """
        check_crops(crops, self._crop)
        return encode_in_runs(crops, self._profile, self._dim, self._run)

    def _run(self, crops: NDArray[np.uint8], size: int) -> NDArray[np.float32]:  # unpadded: any size will do
        try:
            found: NDArray[np.float32] = self._request.infer({"faces": np.ascontiguousarray(crops)})["embeddings"]
        except Exception as error:
            raise EncoderError(f"OpenVINO failed on {len(crops)} crops: {first_line(error)}") from error
        return found


def import_openvino() -> Any:
    """OpenVINO's module.

    Raises:
        MissingExtra: it isn't installed.
    """
    try:
        import openvino
    except ImportError as error:
        raise MissingExtra("OpenVINO", "openvino") from error
    return openvino


def _side(side: Any) -> tuple[str, str, tuple[object, ...]]:
    dtype = str(side.get_element_type().get_type_name())
    shape = tuple(-1 if length.is_dynamic else length.get_length() for length in side.get_partial_shape())
    return str(side.get_any_name()), _DTYPES.get(dtype, dtype), shape
