"""What a publisher says about itself and its labels, so that a reader can name the scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from clef_rt._version import __version__


@dataclass(frozen=True, slots=True)
class Hello:
    """The labels of one camera's scores, in their order, and where they come from.

    Attributes:
        camera: the camera's name.
        labels_hash: `clef_rt.names.labels_hash` of the three groups; observations carry it.
        bundle: name of the model bundle.
        bundle_version: its version.
        aus: Action Unit names, in the order of `au` in observations.
        expressions: expression names, in the order of `expr`.
        zero_shot: names of labels added by text alone, in the order of `zero_shot`.
        experimental: those labels whose scores haven't been shown to be good.
        thresholds: the score from which a label counts as present, by name, 0–1; a label without one has none.
        publisher: 16 hex digits that change whenever the publisher restarts; the publisher fills them in.
        utc_ns: when it was sent; the publisher fills it in.
        clef_rt: the version of clef_rt that publishes.
    """

    camera: str
    labels_hash: str
    bundle: str
    bundle_version: str
    aus: tuple[str, ...]
    expressions: tuple[str, ...]
    zero_shot: tuple[str, ...] = ()
    experimental: tuple[str, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    publisher: str = "0" * 16
    utc_ns: int = 0
    clef_rt: str = __version__
