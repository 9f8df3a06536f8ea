"""The NVIDIA GPU, asked through its driver, which needs no package: is there one that answers, and which?"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from clef_rt.errors import EncoderError

__all__ = ["Gpu", "find_gpu"]

DRIVER: Final = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
MAJOR: Final = 75  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
MINOR: Final = 76
NO_DEVICE: Final = 100  # CUDA_ERROR_NO_DEVICE
MEND: Final = "If there is an NVIDIA GPU: install its driver (`nvidia-smi` tries it); in a container: --gpus all."


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU.

    Attributes:
        name: as NVIDIA calls it.
        capability: its compute capability, such as (8, 9).
        cuda: the newest version of CUDA that its driver knows, such as (13, 0).
    """

    name: str
    capability: tuple[int, int]
    cuda: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.name} (compute {self.capability[0]}.{self.capability[1]}, CUDA {self.cuda[0]}.{self.cuda[1]})"


def find_gpu(load: Callable[[str], Any] = ctypes.CDLL) -> Gpu:
    """The first GPU, in CUDA's order and of those that CUDA_VISIBLE_DEVICES leaves.

    Args:
        load: loads the driver's library.

    Raises:
        EncoderError: no driver, no GPU, or one that doesn't answer.
    """
    try:
        driver = load(DRIVER)
    except OSError:
        raise EncoderError(f"There is no NVIDIA driver here ({DRIVER}).", MEND) from None
    status = driver.cuInit(0)
    if status == NO_DEVICE:
        raise EncoderError("NVIDIA's driver finds no GPU.", MEND)
    if status:
        raise EncoderError(f"NVIDIA's driver doesn't start: cuInit says {status}.", MEND)
    device, number, text = ctypes.c_int(), ctypes.c_int(), ctypes.create_string_buffer(256)

    def ask(function: str, *arguments: object) -> int:
        if status := getattr(driver, function)(ctypes.byref(number), *arguments):
            raise EncoderError(f"NVIDIA's driver doesn't answer: {function} says {status}.", MEND)
        return number.value

    if ask("cuDeviceGetCount") < 1:
        raise EncoderError("NVIDIA's driver finds no GPU.", MEND)
    device.value = ask("cuDeviceGet", 0)
    if status := driver.cuDeviceGetName(text, len(text), device):
        raise EncoderError(f"NVIDIA's driver doesn't answer: cuDeviceGetName says {status}.", MEND)
    capability = ask("cuDeviceGetAttribute", MAJOR, device), ask("cuDeviceGetAttribute", MINOR, device)
    version = ask("cuDriverGetVersion")
    return Gpu(text.value.decode(errors="replace"), capability, (version // 1000, version % 1000 // 10))
