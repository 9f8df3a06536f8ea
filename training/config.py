"""A run's settings: one YAML file, kept beside every checkpoint, from which the run can be made again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
)

from clef_rt.errors import ConfigError
from training.clip_weights import Init
from training.model_config import Head
from training.parts import Parts

__all__ = [
    "CONFIG",
    "LoopSettings",
    "ModelSettings",
    "RunConfig",
    "Stage1Settings",
    "Stage2Settings",
    "parse_changes",
    "read_config",
    "with_changes",
]

CONFIG: Final = "config.yaml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSettings(_Strict):
    """What is trained.

    Attributes:
        encoder: as in `training.encoders`.
        text_tower: as in `training.towers`; `auto` is the encoder's own half, else MiniLM.
        init: `pretrained` (CLIP), or `random`.
        embed_dim: of the joint space; CLIP's two halves have theirs, 512.
        text_hidden: width of a hidden layer beside the texts' projection, so that a side means something else for each
            Action Unit; 0 for none. A run that starts from another may add it.
        image_size: crops are shrunk to it, px; 0 for their own size. A network without a fixed size learns most of what
            it knows from small pictures, at a fraction of the time, and goes on from there at the full size.
        tune: which parts learn.
    """

    encoder: str = "convnet-s"
    text_tower: str = "auto"
    init: Init = "pretrained"
    embed_dim: PositiveInt = 256
    text_hidden: NonNegativeInt = 0
    image_size: NonNegativeInt = 0
    tune: Parts = Parts()


class LoopSettings(_Strict):
    """How it is trained, in both stages.

    Attributes:
        epochs: how often the data is gone through.
        batch: faces a step, of all processes together.
        learning_rate: the highest of a one-cycle cosine schedule (AdamW).
        encoder_rate: the pre-trained parts' learning rate (encoder, text tower) as a share of it.
        warmup: share of the steps before the highest.
        weight_decay: of matrices and filters; biases and norms have none.
        clip: the gradient's norm is cut to it.
        ema: decay of the weights' running average, which is what is saved; 0 for none.
        augment: scales the changes that pictures get; 0 for none.
        texture: scales what is laid over rendered faces' too even skin (`training.texture`); 0 for nothing.
        seed: of everything random.
        accelerator: `auto`, `cpu`, `cuda`, `mps`.
        devices: processes on this machine; `torchrun` and `fabric run` say it themselves.
        nodes: machines.
        precision: as Lightning Fabric has them; bf16 takes half the time on CPUs that know it.
        save_every: steps between checkpoints to go on from; at every epoch's end, too.
        validate_every: epochs between looks at the validation faces; after the last epoch, too.
        checkpoint_activations: compute activations twice and keep none (CLIP): less memory, more time.
        compile: compile the encoder (`torch.compile`).
        deterministic: only algorithms that give the same bits each time; slower on a GPU.
    """

    epochs: PositiveInt = 12
    batch: int = Field(default=128, ge=2)
    learning_rate: PositiveFloat = 2e-3
    encoder_rate: PositiveFloat = 1.0
    warmup: float = Field(default=0.15, ge=0, lt=1)
    weight_decay: NonNegativeFloat = 0.05
    clip: PositiveFloat = 5.0
    ema: float = Field(default=0.998, ge=0, lt=1)
    augment: NonNegativeFloat = 1.0
    texture: NonNegativeFloat = 0.0
    seed: NonNegativeInt = 0
    accelerator: str = "auto"
    devices: PositiveInt = 1
    nodes: PositiveInt = 1
    precision: Annotated[str, BeforeValidator(str)] = "bf16-mixed"  # YAML reads 32 as a number
    save_every: PositiveInt = 500
    validate_every: PositiveInt = 1
    checkpoint_activations: bool = False
    compile: bool = False
    deterministic: bool = False


class Stage1Settings(_Strict):
    """Learning from activities.

    Attributes:
        image_image: `L_II'` (PI in the paper's ablation).
        image_activity: `L_IA` (PA).
        pairs: what makes two pictures a positive pair of `L_II'`: the same `activity` (the paper), the same
            `identity`, a `random` partner, or nothing but being two views of one picture (`instance`, SimCLR).
    """

    image_image: bool = True
    image_activity: bool = True
    pairs: Literal["activity", "identity", "instance", "random"] = "activity"


class Stage2Settings(_Strict):
    """Learning labels.

    Attributes:
        head: what pictures are compared with: `names` (`L_IN`), `descriptions` (image against description, the
            paper's row without N), or a class `index` without texts.
        descriptions: `L_DN`, which ties names to descriptions.
        au_form: for Action Units a `sigmoid` a name, the multi-positive `contrastive` form, or `both`.
        imbalance: `none`; `weights` of classes and Action Units by how rare they are; `asymmetric` loss for Action
            Units (with weights for expressions).
        sampling: `shuffled`, or `balanced` by expression.
        au_weight: of the Action Units' term, whose binary losses are small beside a softmax's.
        description_weight: of `L_DN`.
        intensity_weight: of the intensities' term, where there are any.
        description_temperature: τ of `L_DN`.
        labelled: take only so many training faces; 0 for all.
        labelled_subjects: take only so many training subjects; 0 for all.
        leave_out: expressions that are not to be learnt (zero-shot).
        only: learn only Action Units, only expressions, or all that is labelled.
        distrust: Action Units of which a teacher's labels aren't learnt: `AU12` with its sides, `AU12_L` alone.
        words: how far an emotion's word, where faces have no votes, is trusted as one: its share of the votes, the rest
            is spread evenly; 0 to learn nothing from words.
        rates: of the bounds on how often an expression's faces show Action Units (`texts/rates.yaml`); 0 for none.
    """

    head: Head = "names"
    descriptions: bool = True
    au_form: Literal["sigmoid", "contrastive", "both"] = "sigmoid"
    imbalance: Literal["none", "weights", "asymmetric"] = "none"
    sampling: Literal["shuffled", "balanced"] = "shuffled"
    au_weight: NonNegativeFloat = 4.0
    description_weight: NonNegativeFloat = 0.2
    intensity_weight: NonNegativeFloat = 1.0
    description_temperature: PositiveFloat = 0.07
    labelled: NonNegativeInt = 0
    labelled_subjects: NonNegativeInt = 0
    leave_out: tuple[str, ...] = ()
    only: Literal["all", "au", "expression"] = "all"
    distrust: tuple[str, ...] = ()
    words: float = Field(default=0.0, ge=0, le=1)
    rates: NonNegativeFloat = 0.0


class RunConfig(_Strict):
    """Everything that a run depends on, but the data's own bytes.

    Attributes:
        stage: 1 or 2.
        data: prepared folders.
        fold: of datasets in folds: the one that is tested on.
        start: stage 2: the checkpoint to begin with.
        labels: the labels' texts, if not the project's own.
        model: what is trained; stage 2 takes the encoder and the tower from `start`.
        loop: how.
        stage1: of stage 1.
        stage2: of stage 2.
    """

    stage: Literal[1, 2]
    data: tuple[Path, ...] = Field(min_length=1)
    fold: NonNegativeInt | None = None
    start: Path | None = None
    labels: Path | None = None
    model: ModelSettings = ModelSettings()
    loop: LoopSettings = LoopSettings()
    stage1: Stage1Settings = Stage1Settings()
    stage2: Stage2Settings = Stage2Settings()

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """From a table.

        Raises:
            ConfigError: a setting is unknown or has a wrong value.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise ConfigError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.", "See docs/training.md.") from None

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """With other values, by dotted name.

        Raises:
            ConfigError: a setting is unknown or has a wrong value.
        """
        return self.of(with_changes(self.model_dump(mode="json"), changes))

    def save(self, folder: Path) -> None:
        """Write `config.yaml` into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)
        (folder / CONFIG).write_text(text, encoding="utf-8")

    def same_run(self, other: Self) -> bool:
        """Whether the two give the same losses: where they are computed doesn't count."""
        where = {"loop": {"accelerator", "devices", "nodes", "save_every", "validate_every"}}
        return self.model_dump(exclude=where) == other.model_dump(exclude=where)


def read_config(path: Path) -> dict[str, Any]:
    """Read a run's or one's own YAML file, not validated yet.

    Raises:
        ConfigError: it can't be read, or is no table.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} can't be read: {error}.") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path} is no table of settings.")
    return found


def parse_changes(items: Iterable[str]) -> dict[str, Any]:
    """`loop.ema=0.99` and the like as values by dotted name, each read as YAML.

    Raises:
        ConfigError: one isn't `name=value`.
    """
    found = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not equals:
            raise ConfigError(f"--set {item}: it must be name=value, as in --set loop.ema=0.99.")
        try:
            found[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {item}: {error}.") from None
    return found


def with_changes(table: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A table of tables with other values, by dotted name."""
    result = {key: dict(value) if isinstance(value, dict) else value for key, value in table.items()}
    for name, value in changes.items():
        *path, last = name.split(".")
        place = result
        for key in path:
            below = place.get(key)
            place[key] = dict(below) if isinstance(below, dict) else {}
            place = place[key]
        place[last] = value
    return result
