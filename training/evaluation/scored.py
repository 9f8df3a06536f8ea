"""Faces of one dataset with a model's scores, the labels and the subjects: all that figures are made from."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from clef_rt.errors import ConfigError

__all__ = ["Scored", "file_stem", "joined"]

_TEXTS = ("dataset", "au_names", "expression_names")


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """n faces, k Action Units, e expressions.

    Attributes:
        dataset: its name.
        au_names, expression_names: the model's.
        aus: (n, k) float32 probabilities.
        expressions: (n, e) float32 probabilities, rows sum to 1.
        intensities: (n, k) float32, 0–5; NaN where the model gives none.
        true_aus: (n, k) float32 labels, 0–1; NaN where unknown.
        votes: (n, e) float32; NaN in rows of which they aren't known.
        true_intensities: (n, k) float32, 0–5; NaN where unknown.
        subjects: (n,) str; empty where unknown.
        activities: (n,) str; empty where unknown.
        paths: (n,) str, the pictures.
    """

    dataset: str
    au_names: tuple[str, ...]
    expression_names: tuple[str, ...]
    aus: NDArray[np.float32]
    expressions: NDArray[np.float32]
    intensities: NDArray[np.float32]
    true_aus: NDArray[np.float32]
    votes: NDArray[np.float32]
    true_intensities: NDArray[np.float32]
    subjects: NDArray[np.str_]
    activities: NDArray[np.str_]
    paths: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.aus)

    @property
    def has_aus(self) -> bool:
        """Whether any face has an Action Unit's label."""
        return bool(np.isfinite(self.true_aus).any())

    def of(self, dataset: str, rows: NDArray[Any]) -> Scored:
        """Just these rows, as a dataset of that name."""
        arrays = {name: getattr(self, name)[rows] for name in _arrays()}
        return replace(self, dataset=dataset, **arrays)

    def save(self, folder: Path) -> Path:
        """Write `scores-<dataset>.npz`: the faces' subjects, labels and scores; no picture."""
        path = folder / f"scores-{file_stem(self.dataset)}.npz"
        arrays: dict[str, Any] = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}
        np.savez_compressed(path, **arrays)
        return path

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            ConfigError: it isn't that.
        """
        try:
            with np.load(path) as found:
                arrays = {field.name: found[field.name] for field in fields(cls)}
        except (OSError, KeyError, ValueError) as error:
            raise ConfigError(f"{path}: no scores: {error}.", "Make them with `python -m training evaluate`.") from None
        return cls(
            dataset=str(arrays.pop("dataset")),
            au_names=tuple(map(str, arrays.pop("au_names"))),
            expression_names=tuple(map(str, arrays.pop("expression_names"))),
            **arrays,
        )


def joined(parts: list[Scored]) -> Scored:
    """Several sets of faces as one, under the first's name: the test faces of all folds.

    Raises:
        ConfigError: they are scored for different labels.
    """
    first = parts[0]
    if any((p.au_names, p.expression_names) != (first.au_names, first.expression_names) for p in parts):
        raise ConfigError("The runs' labels differ.", "Take runs of the same kind of model on the same data.")
    arrays: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _arrays()}
    return replace(first, **arrays)


def file_stem(dataset: str) -> str:
    """A dataset's name as part of a file's name."""
    return re.sub(r"[^\w.+-]+", "_", dataset)


def _arrays() -> list[str]:
    return [field.name for field in fields(Scored) if field.name not in _TEXTS]
