"""What a new model is built from, by what the data labels."""

from __future__ import annotations

from training.data import Examples
from training.model import ModelConfig
from training.texts import load_labels

__all__ = ["config_for"]


def config_for(train: Examples, encoder: str) -> ModelConfig:
    """The configuration for a training split: its size and light, and the labels that it knows, no others.

    Raises:
        ConfigError: an Action Unit has no text in `texts/labels.yaml`.
    """
    return ModelConfig(
        image_size=train.faces.shape[1],
        channels=train.faces.shape[3],
        encoder=encoder,
        mean=(round(float(train.faces.mean()) / 255, 4),),
        std=(round(float(train.faces.std()) / 255, 4),),
        texts=load_labels().chosen(train.au_names, train.expression_names),
    )
