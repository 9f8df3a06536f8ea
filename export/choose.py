"""Which crops graphs are compared on, and which calibrate INT8: never the same."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clef_rt.bundle.spec import Groups, InputSpec
from clef_rt.errors import BundleError
from export.crops import MAX_CROPS, Crops, made_up_crops, read_crops
from export.prepared import is_prepared, prepared_crops

__all__ = ["choose_crops"]

MAX_CALIBRATION: Final = 256


def choose_crops(
    compare: Path | None, calibrate: Path | None, spec: InputSpec, groups: Groups, fold: int | None = None
) -> tuple[Crops, NDArray[np.uint8] | None]:
    """The crops to compare on, and those to calibrate INT8 on: never the same.

    Of a prepared folder, `train` calibrates and `test` (`val` where there is none) is compared. Where other crops are
    given for both, or for calibration alone, every second one calibrates and the others are compared.

    Args:
        compare: prepared folder, `.npy` or folder of images; None for those of `calibrate`, else made-up ones.
        calibrate: likewise; None to calibrate nothing.
        spec: what the encoder takes.
        groups: the labels to look for in a prepared folder.
        fold: of a dataset in folds: which one is tested on.

    Returns:
        At most 1024 to compare on; at most 256, (n, S, S, C) uint8, to calibrate on, or None.

    Raises:
        BundleError: there are none, or they are of another shape.
        ConfigError: a prepared folder can't be used.
    """
    source = compare or calibrate
    if source is None:
        return Crops.unlabelled(made_up_crops(spec), "made up", groups), None
    shared = calibrate is not None and source.resolve() == calibrate.resolve()
    seen = None
    if calibrate is not None and is_prepared(calibrate):
        seen = prepared_crops(calibrate, ("train",), spec, groups, MAX_CALIBRATION, fold).faces
    elif calibrate is not None:
        seen = read_crops(calibrate, spec)[:: 2 if shared else 1][:MAX_CALIBRATION]
    if is_prepared(source):
        return prepared_crops(source, ("test", "val"), spec, groups, MAX_CROPS, fold), seen
    faces = read_crops(source, spec)[1 if shared else 0 :: 2 if shared else 1]
    if not len(faces):
        raise BundleError(f"{source}: one crop can't be both calibrated and compared on.", "Give more crops.")
    return Crops.unlabelled(faces, source.resolve().name, groups), seen
