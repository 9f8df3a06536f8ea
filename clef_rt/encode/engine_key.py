"""What a built engine depends on: its key, in the cache and in the messages."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass

from clef_rt.encode.batches import Profile
from clef_rt.encode.gpu import Gpu

__all__ = ["Key", "engine_key", "timing_key"]


@dataclass(frozen=True, slots=True)
class Key:
    """What a kept file depends on.

    Attributes:
        parts: all of it, by name.
        about: those of the parts that say what it is for; the others say what it was made with. Files that agree in
            the former are each other's older or newer versions.
    """

    parts: Mapping[str, str]
    about: tuple[str, ...]

    @property
    def digest(self) -> str:
        """64 hex digits, which differ where any part does."""
        return _digest(dict(self.parts))

    @property
    def subject(self) -> str:
        """Likewise of `about` alone."""
        return _digest({name: self.parts[name] for name in self.about})

    @property
    def stem(self) -> str:
        """The name of its file, without a suffix. Names of one subject begin alike."""
        return f"{self.subject[:16]}-{self.digest[:32]}"


def engine_key(
    model: bytes, *, precision: str, profile: Profile, gpu: Gpu, tensorrt: str, crop: tuple[int, int, int]
) -> Key:
    """The key of a TensorRT engine.

    Args:
        model: the ONNX graph. Its hash is taken rather than the bundle's: new labels and thresholds need no new engine.
        precision: "fp32", "fp16", "int8".
        profile: the batch sizes.
        gpu: the one that runs it.
        tensorrt: TensorRT's version.
        crop: (S, S, C).
    """
    parts = {
        "kind": "engine",
        "model": hashlib.sha256(model).hexdigest(),
        "precision": precision,
        "crop": "x".join(map(str, crop)),
        "profile": str(profile),
        **_machine(gpu, tensorrt),
    }
    return Key(parts, about=("kind", "model", "precision"))


def timing_key(gpu: Gpu, tensorrt: str) -> Key:
    """The key of TensorRT's timing cache, what it measured of kernels, which makes later builds shorter."""
    return Key({"kind": "timing", **_machine(gpu, tensorrt)}, about=("kind",))


def _machine(gpu: Gpu, tensorrt: str) -> dict[str, str]:
    system = f"{platform.system()} {platform.machine()}"  # a home folder may be shared between machines
    return {"gpu": f"{gpu.name} sm{gpu.capability[0]}{gpu.capability[1]}", "tensorrt": tensorrt, "system": system}


def _digest(parts: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
