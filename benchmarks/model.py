"""The model under test, as the options say it and as the report names it."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from clef_rt.analyzer import Analyzer
from clef_rt.bundle import load_bundle
from clef_rt.encode import load_encoder

__all__ = ["ModelFacts", "ModelOptions"]

A = TypeVar("A", bound=Analyzer)


class ModelOptions(BaseModel):
    """Which model to load, and how.

    Attributes:
        bundle: a bundle's folder, a `.clef` file or an embedded bundle's name; None for the embedded default.
        detector: as `clef_rt.load` takes it.
        detect_every: the detector searches every so many frames.
        engine: what runs the encoder, as `clef_rt.load` takes it.
        variant: which of the bundle's graphs, likewise.
        threads: of the encoder and of OpenCV; None for what they take by themselves.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    bundle: str | None = None
    detector: str = "auto"
    detect_every: int = 10
    engine: str = "auto"
    variant: str = "auto"
    threads: int | None = None

    def load(self, kind: type[A]) -> A:
        """The analyzer, made of the same parts as `clef_rt.load` takes.

        Args:
            kind: which class of analyzer.

        Raises:
            ClefError: the bundle, the detector or the engine can't be used.
        """
        import cv2

        if self.threads is not None:
            cv2.setNumThreads(self.threads)
        bundle = load_bundle(self.bundle)
        encoder = load_encoder(bundle, self.engine, variant=self.variant, threads=self.threads)
        return kind(bundle, detector=self.detector, encoder=encoder, detect_every=self.detect_every)


class ModelFacts(BaseModel):
    """The model that was measured.

    Attributes:
        bundle: its name.
        version: its version.
        sha256: the bundle's identity.
        input: size and colour of a crop.
        detector: the detector's name.
        detect_every: it searches every so many frames.
        encoder: engine, precision and threads.
        opencv_threads: of OpenCV.
    """

    model_config = ConfigDict(extra="forbid")

    bundle: str
    version: str
    sha256: str
    input: str
    detector: str
    detect_every: int
    encoder: str
    opencv_threads: int

    @classmethod
    def of(cls, analyzer: Analyzer, options: ModelOptions) -> ModelFacts:
        """What an analyzer consists of."""
        import cv2

        spec = analyzer.bundle.spec
        return cls(
            bundle=spec.name,
            version=spec.version,
            sha256=analyzer.bundle.sha256,
            input=f"{spec.input.size} px, {spec.input.color}",
            detector=analyzer.detector.name,
            detect_every=options.detect_every,
            encoder=analyzer.encoder.description,
            opencv_threads=cv2.getNumThreads(),
        )
