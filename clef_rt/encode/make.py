"""From an engine's name to the engine: each one's module is imported only here, when it's wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clef_rt.encode.batches import Profile
from clef_rt.encode.choice import Engine, choose_variant
from clef_rt.encode.engine_cache import EngineCache
from clef_rt.encode.engine_key import engine_key
from clef_rt.encode.gpu import Gpu

if TYPE_CHECKING:
    from clef_rt.bundle import Bundle
    from clef_rt.encode import Encoder

__all__ = ["Wanted"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An encoder as it is wanted, but for the engine.

    Attributes:
        bundle: the loaded bundle.
        variant: as `load_encoder` takes it.
        threads: likewise.
        spinning: likewise.
        max_batch: likewise.
        gpu: finds the GPU.
        cache: where engines are kept.
    """

    bundle: Bundle
    variant: str
    threads: int | None
    spinning: bool
    max_batch: int
    gpu: Callable[[], Gpu]
    cache: EngineCache

    def on(self, engine: Engine) -> Encoder:
        """Make it.

        Raises:
            ConfigError: the bundle has no such graph.
            EncoderError: it can't be made.
            MissingExtra: a library isn't installed.
        """
        graph = choose_variant(self.variant, self.bundle.variants, engine)
        model, precision = self.bundle.encoder_bytes(graph), graph or "fp32"
        spec = self.bundle.spec.input
        size, channels, dim = spec.size, spec.channels, self.bundle.spec.embedding_dim
        if engine == "tensorrt":
            from clef_rt.encode.tensorrt import TensorRtEncoder

            return TensorRtEncoder(
                model, size=size, channels=channels, embedding_dim=dim, precision=precision, gpu=self.gpu(),
                cache=self.cache, max_batch=self.max_batch,
            )  # fmt: skip
        if engine == "openvino":
            from clef_rt.encode.openvino import OpenVinoEncoder

            return OpenVinoEncoder(
                model, size=size, channels=channels, embedding_dim=dim, precision=precision, threads=self.threads,
                max_batch=self.max_batch,
            )  # fmt: skip
        from clef_rt.encode.onnx import ON_CPU, ON_CUDA, OnnxEncoder, on_tensorrt

        place = ON_CPU if engine == "cpu" else ON_CUDA
        if engine == "ort-tensorrt":
            crop, profile = (size, size, channels), Profile.up_to(self.max_batch)
            place = on_tensorrt(self._folder(model, precision, crop, profile), precision, crop, profile)
        return OnnxEncoder(
            model, size=size, channels=channels, embedding_dim=dim, place=place, precision=precision,
            threads=self.threads, spinning=self.spinning, max_batch=self.max_batch,
        )  # fmt: skip

    def _folder(self, model: bytes, precision: str, crop: tuple[int, int, int], profile: Profile) -> Path:
        import onnxruntime as ort

        key = engine_key(
            model, precision=precision, profile=profile, gpu=self.gpu(), tensorrt=f"onnxruntime {ort.__version__}",
            crop=crop,
        )  # fmt: skip
        return self.cache.subfolder(key)
