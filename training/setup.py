"""A new model, by what the data labels."""

from __future__ import annotations

from clef_rt.errors import ConfigError
from training.checkpoint import load_checkpoint, take_over
from training.clip_weights import CLIPS
from training.config import RunConfig
from training.data import Examples
from training.encoders.clip import CLIP_MEAN, CLIP_STD, ClipImage
from training.model import ClefModel
from training.model_config import Head, ModelConfig
from training.parts import freeze
from training.texts import FOLDER, load_labels
from training.towers import tower_name

__all__ = ["new_model"]


def new_model(train: Examples, config: RunConfig, *, head: Head = "names") -> ClefModel:
    """A model for a training split: of its size and light, with the labels that it knows, and no others.

    It begins with `config.start`'s encoder, projections and text tower, where that is given.

    Raises:
        ConfigError: an Action Unit has no text, weights can't be had, or the start isn't built alike.
        BundleError: the start is no checkpoint.
    """
    start = load_checkpoint(config.start, tower=True) if config.start is not None else None
    own = config.model if start is None else config.model.model_copy(update=_built_as(start.config))
    tower = tower_name(own.text_tower, own.encoder)
    one_clip = own.encoder in CLIPS and tower == own.encoder
    mean, std = _light(train, own.encoder, start)
    size, channels = train.faces.shape[2:]
    model_config = ModelConfig(
        image_size=size,
        channels=channels,
        embed_dim=int(CLIPS[tower].text["projection_dim"]) if one_clip else own.embed_dim,
        encoder=own.encoder,
        text_tower=tower,
        init=own.init,
        tuned_text=own.tune.text == "all" or (start is not None and start.config.tuned_text),
        projections="none" if one_clip else "linear",
        text_hidden=0 if one_clip else own.text_hidden,
        head=head,
        mean=mean,
        std=std,
        rated=train.rated,
        texts=load_labels(config.labels or FOLDER / "labels.yaml").chosen(train.au_names, train.expression_names),
    )
    model = ClefModel(model_config)
    if start is not None:
        take_over(model, start)
    freeze(model, own.tune)
    if config.loop.checkpoint_activations:
        if not isinstance(model.encoder, ClipImage):
            raise ConfigError(f"{own.encoder} can't checkpoint activations.", "It is small enough without.")
        model.encoder.checkpoint_activations()
    return model


def _built_as(start: ModelConfig) -> dict[str, object]:
    return {
        "encoder": start.encoder,
        "text_tower": start.text_tower,
        "init": start.init,
        "embed_dim": start.embed_dim,
    }


def _light(train: Examples, encoder: str, start: ClefModel | None) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation: the start's, CLIP's, or the data's own."""
    if start is not None:
        return start.config.mean, start.config.std
    channels = train.faces.shape[3]
    if encoder in CLIPS:
        if channels == 3:
            return CLIP_MEAN, CLIP_STD
        return (sum(CLIP_MEAN) / 3,), (sum(CLIP_STD) / 3,)
    mean, deviation = train.faces.mean_and_deviation()
    return (round(mean, 4),) * channels, (round(deviation, 4),) * channels
