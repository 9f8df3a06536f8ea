"""Which engines this machine has, which one is taken, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Final, Literal, TypeAlias, get_args

from clef_rt.encode.gpu import Gpu, find_gpu
from clef_rt.errors import ClefError, ConfigError, EncoderError

__all__ = [
    "AUTO_ORDER",
    "ENGINES",
    "WHAT",
    "Engine",
    "EngineName",
    "Found",
    "Machine",
    "choose_variant",
    "explain",
    "parse_engine",
    "survey",
]

Engine: TypeAlias = Literal["tensorrt", "ort-tensorrt", "cuda", "cpu", "openvino"]
EngineName: TypeAlias = Literal["auto", "tensorrt", "ort-tensorrt", "cuda", "cpu", "openvino"]

ENGINES: Final[tuple[Engine, ...]] = get_args(Engine)
AUTO_ORDER: Final[tuple[Engine, ...]] = ("tensorrt", "cuda", "cpu")
"""What `auto` tries, the fastest first. The others run when they are asked for."""

WHAT: Final[Mapping[Engine, str]] = {
    "tensorrt": "TensorRT",
    "ort-tensorrt": "onnxruntime's TensorRT provider",
    "cuda": "onnxruntime's CUDA provider",
    "cpu": "onnxruntime on the CPU",
    "openvino": "OpenVINO on the CPU",
}
ON_GPU: Final = frozenset({"tensorrt", "ort-tensorrt", "cuda"})
PROVIDERS: Final[Mapping[Engine, str]] = {
    "ort-tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
GPU_BUILD: Final = (
    "The GPU build of onnxruntime is its own package, and stands where the other one stood: "
    "pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'onnxruntime-gpu[cuda,cudnn]'"
)


@dataclass(frozen=True, slots=True)
class Found:
    """An engine on this machine.

    Attributes:
        engine: its name.
        ready: whether all that it needs is there; whether it runs is seen when it's loaded.
        what: what is there, or what is missing, as a sentence.
        mend: what to do about it.
    """

    engine: Engine
    ready: bool
    what: str
    mend: str = ""


def _providers() -> Sequence[str]:
    import onnxruntime as ort

    providers: Sequence[str] = ort.get_available_providers()
    return providers


def _tensorrt() -> str:
    from clef_rt.encode.tensorrt_build import import_tensorrt

    return str(import_tensorrt().__version__)


def _cuda_python() -> str:
    from clef_rt.encode.cuda import import_cuda

    import_cuda()
    return metadata.version("cuda-bindings")


def _openvino() -> str:
    from clef_rt.encode.openvino import import_openvino

    return str(import_openvino().__version__).split("-")[0]


@dataclass(frozen=True, slots=True)
class Machine:
    """What the libraries on this machine answer; where one is missing, a `ClefError` says which, and the mend.

    Attributes:
        gpu: the NVIDIA GPU.
        providers: onnxruntime's execution providers.
        tensorrt: TensorRT's version.
        cuda_python: cuda-python's version.
        openvino: OpenVINO's version.
    """

    gpu: Callable[[], Gpu] = find_gpu
    providers: Callable[[], Sequence[str]] = _providers
    tensorrt: Callable[[], str] = _tensorrt
    cuda_python: Callable[[], str] = _cuda_python
    openvino: Callable[[], str] = _openvino

    def look(self, engine: Engine) -> Found:
        """What there is of an engine."""
        try:
            parts = [str(self.gpu())] if engine in ON_GPU else []
            if engine == "tensorrt":
                parts += [f"TensorRT {self.tensorrt()}", f"cuda-python {self.cuda_python()}"]
            elif engine == "openvino":
                parts.append(f"OpenVINO {self.openvino()}")
            else:
                parts.append(self._provider(PROVIDERS[engine]))
        except ClefError as missing:
            return Found(engine, False, missing.what, missing.hint)
        return Found(engine, True, ", ".join(parts))

    def has_gpu(self) -> bool:
        """Whether an NVIDIA GPU answers."""
        try:
            self.gpu()
        except ClefError:
            return False
        return True

    def _provider(self, name: str) -> str:
        there = self.providers()
        if name not in there:
            raise ConfigError(f"This onnxruntime has no {name}, only {', '.join(there)}.", GPU_BUILD)
        return name


def survey(machine: Machine) -> tuple[list[Found], Engine, str]:
    """All engines, the one that `auto` takes, and why, in one sentence."""
    found = {engine: machine.look(engine) for engine in ENGINES}
    taken = next(engine for engine in AUTO_ORDER if found[engine].ready or engine == "cpu")
    return list(found.values()), taken, explain(taken, [found[engine] for engine in AUTO_ORDER])


def parse_engine(name: str) -> EngineName:
    """An engine's name, checked.

    Raises:
        ConfigError: there is none of that name.
    """
    for known in get_args(EngineName):
        if name == known:
            engine: EngineName = known
            return engine
    raise ConfigError(f"There is no engine {name[:40]!r}.", f"Known are {', '.join(get_args(EngineName))}.")


def explain(taken: Engine, passed: Sequence[Found]) -> str:
    """Why an engine was taken: what keeps the faster ones from being used.

    Args:
        taken: the engine.
        passed: those that were looked at; of those not ready, the reasons are told.
    """
    reasons = list(dict.fromkeys(own.what.rstrip(".") for own in passed if not own.ready and own.engine != taken))
    because = f": {'; '.join(reasons)}" if reasons else ", the fastest there is"
    return f"auto takes {WHAT[taken]}{because}."


def choose_variant(asked: str, variants: Sequence[str], engine: Engine) -> str:
    """Which of a bundle's graphs an engine runs.

    On a GPU float16 is taken where the bundle has it, for which GPUs have units of their own; on the CPU float32. INT8
    moves scores the most, and is run where it's asked for; on CPUs alone, for its activations are unsigned, which
    TensorRT doesn't read.

    Args:
        asked: "auto", "fp32", or one as in `Bundle.variants`.
        variants: the bundle's.
        engine: what runs it.

    Returns:
        One of `variants`.

    Raises:
        ConfigError: the bundle has no such graph.
        EncoderError: it isn't for this engine.
    """
    if asked == "auto":
        return "fp16" if engine in ON_GPU and "fp16" in variants else ""
    variant = "" if asked == "fp32" else asked
    if variant not in variants:
        there = ", ".join(own or "fp32" for own in variants)
        raise ConfigError(f"The bundle has no encoder {asked!r}.", f"It has {there}.")
    if variant == "int8" and engine in ON_GPU:
        raise EncoderError(
            f"The int8 encoder is quantised for CPUs, not for {engine}.", "Take fp16, or the engine cpu."
        )
    return variant
