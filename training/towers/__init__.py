"""Text towers: by name, from sentences to features."""

from __future__ import annotations

from typing import Final

from clef_rt.errors import ConfigError
from training.clip_weights import CLIPS, Init
from training.towers.tower import TextTower

__all__ = ["TOWERS", "TextTower", "make_tower", "tower_name"]

TOWERS: Final = ("minilm", *CLIPS)


def tower_name(name: str, encoder: str) -> str:
    """The tower to take: `auto` is CLIP's own beside CLIP's encoder, and MiniLM beside the others."""
    if name != "auto":
        return name
    return encoder if encoder in CLIPS else "minilm"


def make_tower(name: str, init: Init = "pretrained") -> TextTower:
    """A text tower.

    Args:
        name: one of `TOWERS`.
        init: `pretrained`, or `random`, CLIP's only: MiniLM's weights are a package.

    Raises:
        ConfigError: there is none of this name, or its weights can't be had.
        MissingExtra: the package with its weights isn't installed.
    """
    if name in CLIPS:
        from training.towers.clip import ClipText

        return ClipText(name, init)
    if name == "minilm":
        from training.towers.minilm import MiniLM

        return MiniLM()
    raise ConfigError(f"There is no text tower {name!r}.", f"Choose {', '.join(TOWERS)}.")
