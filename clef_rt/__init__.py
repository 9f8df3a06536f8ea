"""Live Action Unit and expression scores from any camera.

The data's way: a source (`clef_rt.sources`) decodes a camera into frames; a slot keeps the newest; an `Analyzer` finds,
follows, aligns, encodes and compares all faces of all cameras in one batch; each frame gives one `Observation`, which
goes to the caller, and by a `Publisher` over ZeroMQ to whoever subscribes.

    import clef_rt

    analyzer = clef_rt.load()                              # the embedded bundle, or load("path/or/name")
    faces = analyzer.analyze(image)                        # one picture
    for observation in clef_rt.stream("rtsp://cam/1"):     # a webcam's number, a URL, a file; or several
        for face in observation.faces:
            print(face.track_id, face.aus["AU12"], face.expressions.top())
    for observation in clef_rt.subscribe("tcp://host:5599"):
        ...

Importing this package is cheap: each name below is loaded when it is first used.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from clef_rt._version import __version__

if TYPE_CHECKING:
    from clef_rt.analyzer import Analyzer, load
    from clef_rt.bundle import list_bundles, load_bundle
    from clef_rt.errors import ClefError
    from clef_rt.frame import Face, Frame, Observation, Scores
    from clef_rt.publish import Publisher
    from clef_rt.status import CameraState, Status
    from clef_rt.stream import Stream, stream
    from clef_rt.subscribe import Subscription, subscribe

__all__ = [
    "Analyzer",
    "CameraState",
    "ClefError",
    "Face",
    "Frame",
    "Observation",
    "Publisher",
    "Scores",
    "Status",
    "Stream",
    "Subscription",
    "__version__",
    "list_bundles",
    "load",
    "load_bundle",
    "stream",
    "subscribe",
]

_HOMES: Final = {
    "Analyzer": "analyzer",
    "CameraState": "status",
    "ClefError": "errors",
    "Face": "frame",
    "Frame": "frame",
    "Observation": "frame",
    "Publisher": "publish",
    "Scores": "frame",
    "Status": "status",
    "Stream": "stream",
    "Subscription": "subscribe",
    "list_bundles": "bundle",
    "load": "analyzer",
    "load_bundle": "bundle",
    "stream": "stream",
    "subscribe": "subscribe",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """Keeps `clef_rt.stream` the function: importing the module of that name would bind the module to it."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
