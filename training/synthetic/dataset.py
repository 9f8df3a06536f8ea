"""Write a rendered dataset: pictures in one array, and the manifest with exact labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from clef_rt.files import whole_file
from training.manifest import validate
from training.synthetic.action_units import AUS, SIDED
from training.synthetic.activities import ACTIVITIES
from training.synthetic.backgrounds import draw_background
from training.synthetic.intensity import OCCURS
from training.synthetic.occlusion import draw_occlusion
from training.synthetic.performance import Performance, perform
from training.synthetic.scene import draw_camera, draw_light
from training.synthetic.studio import Setting, Studio
from training.synthetic.subjects import draw_subject

__all__ = ["IMAGES", "MANIFEST", "Plan", "film_all", "film_subject", "split_of", "write"]

IMAGES: Final = "images.npz"
MANIFEST: Final = "manifest.csv"
_TRAIN, _VAL = 0.7, 0.1  # shares of the subjects; the rest are the test's


@dataclass(frozen=True, slots=True)
class Plan:
    """What to render.

    Attributes:
        subjects: how many people.
        sequences: recordings of each; their activities take turns.
        frames: of each recording.
        seed: the same seed gives the same bytes on the same machine.
        colour: RGB, or else luminance.
    """

    subjects: int
    sequences: int
    frames: int
    seed: int = 0
    colour: bool = False

    @property
    def pictures(self) -> int:
        """How many there will be."""
        return self.subjects * self.sequences * self.frames


def split_of(subjects: int, seed: int) -> list[str]:
    """Each subject's split: 70 % train, 10 % val, 20 % test, drawn at random; with three or more none is empty."""
    val = max(round(_VAL * subjects), int(subjects >= 3))
    train = max(min(round(_TRAIN * subjects), subjects - val - int(subjects >= 2)), 1)
    names = np.array(["train"] * train + ["val"] * val + ["test"] * subjects)[:subjects]
    return [str(name) for name in np.random.default_rng((seed, 1)).permutation(names)]


def film_subject(studio: Studio, plan: Plan, number: int, first: int = 0) -> tuple[NDArray[np.uint8], pd.DataFrame]:
    """Film one subject.

    Every person and every recording has a random generator of its own: it matters neither who else is filmed, nor by
    which process.

    Args:
        studio: what renders.
        plan: what to render.
        number: the subject's.
        first: the activity to begin with.

    Returns:
        The pictures (sequences × frames, H, W) uint8, or (…, 3) in colour; and their manifest rows, without paths.
    """
    with threadpool_limits(1, user_api="blas"):  # of more threads, sums differ in their last bits
        return _film(studio, plan, number, first)


def _film(studio: Studio, plan: Plan, number: int, first: int) -> tuple[NDArray[np.uint8], pd.DataFrame]:
    subject = draw_subject(np.random.default_rng((plan.seed, 2, number)))
    studio.seat(subject)
    split = split_of(plan.subjects, plan.seed)[number]
    pictures: list[NDArray[np.uint8]] = []
    tables = []
    for sequence in range(plan.sequences):
        rng = np.random.default_rng((plan.seed, 3, number, sequence))
        activity = list(ACTIVITIES)[(sequence + first) % len(ACTIVITIES)]
        performance = perform(activity, subject, plan.frames, rng)
        setting = Setting(
            camera=draw_camera(rng),
            light=draw_light(rng, float(np.mean(subject.look.skin))),
            background=draw_background(rng, studio.size),
            hidden=draw_occlusion(rng, subject.look.skin, subject.look.hair),
        )
        pictures.extend(studio.film(performance.intensities, performance.gaze, performance.turns, setting, rng))
        known = {
            "path": "",
            "subject": f"S{number:04d}",
            "sequence": f"S{number:04d}-{sequence:03d}",
            "frame": np.arange(plan.frames),
            "activity": activity,
            "split": split,
            "skin_tone": round(subject.look.tone, 2),
        }
        tables.append(pd.DataFrame(known | _labels(performance, plan.frames)))
    stack = np.stack(pictures)
    return stack if plan.colour else _luminance(stack), pd.concat(tables, ignore_index=True)


def film_all(studio: Studio, plan: Plan) -> Iterator[tuple[NDArray[np.uint8], pd.DataFrame]]:
    """Film every subject; see `film_subject`."""
    for number in range(plan.subjects):
        yield film_subject(studio, plan, number)


def write(films: Iterable[tuple[NDArray[np.uint8], pd.DataFrame]], plan: Plan, size: int, out: Path) -> Iterator[int]:
    """Write a dataset into a folder as it is filmed: `images.npz` (key `images`) and `manifest.csv`.

    Both appear once all is filmed; an interruption leaves the folder as it was.

    Args:
        films: each subject's pictures and rows, in order.
        plan: of the films.
        size: side of the pictures, px.
        out: the folder.

    Yields:
        How many pictures are done.

    Raises:
        OSError: the folder can't be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    shape = (plan.pictures, size, size, 3)
    images = np.zeros(shape if plan.colour else shape[:3], np.uint8)
    tables = []
    done = 0
    for pictures, rows in films:
        images[done : done + len(pictures)] = pictures
        done += len(pictures)
        tables.append(rows)
        yield done
    table = pd.concat(tables, ignore_index=True)
    table["path"] = [f"{IMAGES}!{row}" for row in range(len(table))]
    validate(table, str(out / MANIFEST))
    with whole_file(out / IMAGES) as path:
        np.savez(path, images=images)
    with whole_file(out / MANIFEST) as path:
        table.to_csv(path, index=False)


def _labels(performance: Performance, frames: int) -> dict[str, NDArray[np.float64]]:
    """Every Action Unit by frame: `AUxx` (0 or 1: intensity B or more) and `AUxx_intensity` (0–5).

    Of `SIDED` also `AUxx_L` and `AUxx_R`, the subject's left and right, with theirs; the whole has the larger side's.
    """
    absent = np.zeros((frames, 2), np.float32)
    values = {}
    for name in AUS:
        sides = performance.intensities.get(name, absent).astype(np.float64).round(2)
        values[name] = sides.max(axis=1)
        if name in SIDED:
            values |= {f"{name}_L": sides[:, 0], f"{name}_R": sides[:, 1]}
    occurs = {name: (value >= OCCURS).astype(np.float64) for name, value in values.items()}
    return occurs | {f"{name}_intensity": value for name, value in values.items()}


def _luminance(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n, H, W, 3) RGB to (n, H, W), by ITU-R BT.601."""
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    return np.asarray(pictures @ weights + 0.5, np.uint8)
