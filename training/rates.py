"""The bounds on how often an expression's faces show Action Units: `texts/rates.yaml`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import torch
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from torch import Tensor

from training.texts import FOLDER
from training.yaml_file import load_yaml

__all__ = ["Rates", "load_rates"]

_Share = Annotated[float, Field(ge=0, le=1)]
_NEUTRAL = "neutral"


class Rates(BaseModel):
    """The bounds.

    Attributes:
        least: by expression and Action Unit: the lowest share of its faces that show it.
        most: the highest share of neutral faces that show any of those.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    least: dict[str, dict[str, _Share]]
    most: _Share

    def tables(self, expressions: Sequence[str], aus: Sequence[str]) -> tuple[Tensor, Tensor]:
        """`least` and `most` as (e, c) float32; 0 and 1 where there is no bound. Other names are left out."""
        least, most = torch.zeros(len(expressions), len(aus)), torch.ones(len(expressions), len(aus))
        for row, expression in enumerate(expressions):
            for name, share in self.least.get(expression, {}).items():
                if name in aus:
                    least[row, list(aus).index(name)] = share
        if _NEUTRAL in expressions:
            bounded = [name in {au for own in self.least.values() for au in own} for name in aus]
            most[list(expressions).index(_NEUTRAL), torch.tensor(bounded, dtype=torch.bool)] = self.most
        return least, most


def load_rates(path: Path = FOLDER / "rates.yaml") -> Rates:
    """Read the bounds.

    Raises:
        ConfigError: the file is missing or wrong; names the file and the key.
    """
    return load_yaml(path, TypeAdapter(Rates))
