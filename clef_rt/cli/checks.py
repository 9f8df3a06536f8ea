"""What `clef-rt doctor` looks at: this Python, the packages around us, engines, codecs, cameras."""

from __future__ import annotations

import importlib
import platform
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from clef_rt._version import __version__
from clef_rt.cores import usable_cores

__all__ = ["CLASHES", "Check", "State", "check_all", "find_clashes"]

State: TypeAlias = Literal["ok", "note", "warning", "broken"]

CLASHES: Final[Mapping[str, tuple[str, ...]]] = {
    "cv2": (
        "opencv-python-headless",
        "opencv-python",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
    ),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino"),
}
"""Distributions that all write into one package's folder: of several, the last one installed has overwritten the
others, and removing any leaves the rest incomplete. The first is the one that clef-rt asks for."""

_HIDDEN_EXTRAS: Final = frozenset({"dev"})


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        state: `ok`; `note`, where something optional isn't there; `warning`, where something may go wrong; `broken`,
            where clef-rt can't do its work.
        found: what was found.
        mend: what to do about it.
    """

    name: str
    state: State
    found: str
    mend: str = ""


def check_all() -> list[Check]:
    """Look at everything that doesn't take a model. Nothing is changed, no camera is opened."""
    installed = _installed()
    return [
        Check("clef-rt", "ok", f"{__version__} in {Path(__file__).parents[1]}"),
        Check(
            "python", "ok", f"{platform.python_version()}, {platform.system()} {platform.machine()}, {sys.executable}"
        ),
        Check("cores", "ok", f"{usable_cores()} usable"),
        *_packages(installed),
        *find_clashes(installed),
        _guarded("OpenCV", _opencv),
        _guarded("onnxruntime", _onnxruntime),
        *_engines(),
        _guarded("libav", _libav),
        _guarded("ZeroMQ", _zeromq),
        _guarded("cameras", _cameras),
    ]


def find_clashes(installed: Mapping[str, str]) -> list[Check]:
    """Distributions that overwrite each other.

    Args:
        installed: versions by distribution, in small letters.
    """
    found = []
    for module, rivals in CLASHES.items():
        present = [f"{name} {installed[name]}" for name in rivals if name in installed]
        if len(present) < 2:
            continue
        names = [name for name in rivals if name in installed]
        keep = "onnxruntime-gpu" if "onnxruntime-gpu" in names else names[0]
        wanted = "'opencv-python-headless>=4.10,<5'" if module == "cv2" else keep
        found.append(
            Check(
                f"{module} clash",
                "warning",
                f"{' and '.join(present)} write into the same folder; the last one installed overwrote the other.",
                f"pip uninstall -y {' '.join(names)} && pip install {wanted}",
            )
        )
    return found


def _installed() -> dict[str, str]:
    pairs = ((own.metadata["Name"], own.version) for own in metadata.distributions())
    return {_normal(name): version for name, version in pairs if name}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _packages(installed: Mapping[str, str]) -> list[Check]:
    """Our dependencies and extras, as the installed package declares them."""
    try:
        requires = metadata.requires("clef-rt") or []
    except metadata.PackageNotFoundError:
        return [Check("packages", "warning", "clef-rt itself isn't installed.", "pip install clef-rt")]
    by_extra: dict[str, list[str]] = {}
    for line in requires:
        name = re.match(r"[A-Za-z0-9._-]+", line)
        extra = re.search(r"extra == ['\"]([^'\"]+)", line)
        if name:
            by_extra.setdefault(extra[1] if extra else "", []).append(_normal(name[0]))
    needed = by_extra.pop("", [])
    checks = [_present("packages", needed, installed, "broken", "pip install --force-reinstall clef-rt")]
    for group, names in sorted(by_extra.items()):
        if group not in _HIDDEN_EXTRAS:
            checks.append(_present(f"extra {group}", names, installed, "note", f"pip install 'clef-rt[{group}]'"))
    return checks


def _present(name: str, wanted: Iterable[str], installed: Mapping[str, str], otherwise: State, mend: str) -> Check:
    missing = [own for own in wanted if own not in installed and not _replaced(own, installed)]
    if missing:
        return Check(name, otherwise, f"not installed: {', '.join(missing)}", mend)
    return Check(name, "ok", ", ".join(f"{own} {installed[own]}" for own in wanted if own in installed))


def _replaced(name: str, installed: Mapping[str, str]) -> bool:
    """Whether a rival stands in for the distribution that is asked for, as onnxruntime-gpu does for onnxruntime."""
    return any(name == rivals[0] and not installed.keys().isdisjoint(rivals) for rivals in CLASHES.values())


def _guarded(name: str, look: Callable[[], Check]) -> Check:
    """A check that must not take the others down: what it looks at may be broken in any way."""
    try:
        return look()
    except Exception as error:
        return Check(name, "broken", f"{type(error).__name__}: {error}", "Reinstall it.")


def _module(name: str) -> Any:
    return importlib.import_module(name)


def _opencv() -> Check:
    mend = "pip uninstall -y opencv-python opencv-python-headless && pip install 'opencv-python-headless>=4.10,<5'"
    try:
        cv2 = _module("cv2")
    except ImportError as error:  # opencv-python without the system's libGL
        return Check("OpenCV", "broken", f"can't be imported: {error}", mend)
    version = str(cv2.__version__)
    if int(version.partition(".")[0]) > 4:
        return Check("OpenCV", "broken", f"{version} hasn't been tried with CLEF-RT, which is made for 4.", mend)
    return Check("OpenCV", "ok", version)


def _onnxruntime() -> Check:
    ort = _module("onnxruntime")
    providers: Sequence[str] = ort.get_available_providers()
    return Check("onnxruntime", "ok", f"{ort.__version__}: {', '.join(providers)}")


def _engines() -> list[Check]:
    """What the encoder can run on here, and what `auto` takes; engines for other machines are no fault."""
    from clef_rt.encode.choice import Machine, survey

    try:
        found, _, why = survey(Machine())
    except Exception as error:  # a library may be broken in any way
        return [Check("engines", "broken", f"{type(error).__name__}: {error}", "Reinstall it.")]
    return [
        *(Check(f"engine {own.engine}", "ok" if own.ready else "note", own.what, own.mend) for own in found),
        Check("engine auto", "ok", why),
    ]


def _libav() -> Check:
    av = _module("av")
    codecs, formats = av.codec.codecs_available, av.formats_available
    missing = [name for name in ("h264", "hevc", "mjpeg") if name not in codecs]
    missing += [name for name in ("rtsp", "mov", "lavfi") if name not in formats]
    versions = f"PyAV {av.__version__}, libavcodec {'.'.join(map(str, av.library_versions['libavcodec']))}"
    if missing:
        return Check(
            "libav", "warning", f"{versions}, without {', '.join(missing)}", "pip install --force-reinstall av"
        )
    return Check("libav", "ok", versions)


def _zeromq() -> Check:
    zmq = _module("zmq")
    able = [name for name in ("curve", "ipc") if zmq.has(name)]
    return Check("ZeroMQ", "ok", f"{zmq.zmq_version()}, pyzmq {zmq.__version__}, with {', '.join(able) or 'tcp alone'}")


def _cameras() -> Check:
    from clef_rt.sources import list_cameras

    cameras = list_cameras()
    if not cameras:
        return Check("cameras", "note", "none found", "Plug one in; in a container: --device /dev/video0.")
    return Check("cameras", "ok", ", ".join(f"{own.uri} ({own.name})" for own in cameras))
