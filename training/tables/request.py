"""What was asked for: which table, on what, how large; and the runs' settings that follow from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from clef_rt.errors import ConfigError
from training.config import RunConfig, parse_changes
from training.tables.cells import Cell, Exam
from training.tables.sources import Activities, Labelled

__all__ = ["PRESETS", "Preset", "Request", "parse_stage_changes"]

Changes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Preset:
    """How large a table's runs are. Steps are the same whatever the number of labels, so that each row gets its due.

    Attributes:
        steps1, batch1: of stage 1.
        steps2, batch2: of stage 2.
        labelled: training faces of stage 2; 0 for all.
        ema: decay of the weights' running average.
    """

    steps1: int
    batch1: int
    steps2: int
    batch2: int
    labelled: int
    ema: float


PRESETS: Final[dict[str, Preset]] = {
    "tiny": Preset(steps1=4, batch1=64, steps2=12, batch2=32, labelled=400, ema=0.9),
    "small": Preset(steps1=120, batch1=256, steps2=400, batch2=64, labelled=3000, ema=0.98),
    "medium": Preset(steps1=400, batch1=256, steps2=800, batch2=128, labelled=0, ema=0.995),
    "large": Preset(steps1=2000, batch1=512, steps2=5000, batch2=128, labelled=0, ema=0.998),
}
"""`tiny` tries whether all works; `small` makes a table in half an hour or so on two cores."""

_SMALLEST_BATCH: Final = 16


@dataclass(frozen=True, slots=True)
class Request:
    """A table to make.

    Attributes:
        name: the table's.
        labelled: what stage 2 learns from and is tested on: the columns.
        activities: what stage 1 learns from, by the labelled folder's place.
        seeds: how many.
        preset: how large.
        changes: of the settings, by stage.
        whole: also the rows that the paper doesn't have.
        exam: of `zero-shot`: expressions to compose, where they aren't the first labelled folder's.
    """

    name: str
    labelled: tuple[Labelled, ...]
    activities: tuple[Activities, ...]
    seeds: int = 3
    preset: Preset = PRESETS["small"]
    changes: dict[Literal[1, 2], Changes] = field(default_factory=lambda: {1: {}, 2: {}})
    whole: bool = False
    encoder: str = "convnet-s"

    @property
    def start(self) -> str:
        """What rows without stage 1 begin with."""
        random = self.changes[2].get("model.init") == "random" or not self.encoder.startswith("clip")
        return "from scratch" if random else "CLIP"

    def activities_of(self, labelled: Labelled) -> Activities:
        """What stage 1 of that column learns from."""
        return self.activities[self.labelled.index(labelled)]

    def stage1(self, activities: Activities, seed: int, **options: Any) -> RunConfig:
        """Stage 1's settings; options are of `Stage1Settings`."""
        own = self.preset
        batch = min(own.batch1, _power_of_two(activities.train))
        steps = max(activities.train // batch, 1)
        values = {
            "stage": 1,
            "data": [activities.folder],
            "fold": activities.fold,
            "model": {"encoder": self.encoder},
            "loop": _loop(math.ceil(own.steps1 / steps), batch, seed, own.ema),
            "stage1": options,
        }
        return RunConfig.of(values).changed(self.changes[1])

    def stage2(self, labelled: Labelled, seed: int, /, *, faces: int | None = None, **options: Any) -> RunConfig:
        """Stage 2's settings.

        Args:
            labelled: what it learns from.
            seed: of everything random.
            faces: how many it will be, where `options` leave that open; the preset's by default.
            options: of `Stage2Settings`.
        """
        own = self.preset
        if faces is None:
            options = {"labelled": own.labelled} | options
            faces = min(options["labelled"] or labelled.train, labelled.train)
        batch = max(min(own.batch2, _power_of_two(faces / 6)), min(_SMALLEST_BATCH, faces), 2)
        steps = max(faces // batch, 1)
        values = {
            "stage": 2,
            "data": [labelled.folder],
            "fold": labelled.fold,
            "model": {"encoder": self.encoder},
            "loop": _loop(math.ceil(own.steps2 / steps), batch, seed, own.ema),
            # Levels of intensity are texts, too: a row without names must learn nothing from them.
            "stage2": {"only": labelled.only, "intensity_weight": 0.0} | options,
        }
        return RunConfig.of(values).changed(self.changes[2])

    def cell(
        self,
        row: str,
        column: str,
        labelled: Labelled,
        stage1: RunConfig | None,
        stage2: RunConfig,
        *,
        faces: int | None = None,
        exam: Exam | None = None,
        part: str = "",
    ) -> Cell:
        """A cell with what it costs; arguments as for `Cell` and `stage2`."""
        faces = min(faces or stage2.stage2.labelled or labelled.train, labelled.train)
        passes1 = 0
        if stage1 is not None:
            own = next(each for each in self.activities if each.folder == stage1.data[0])
            passes1 = _passes(stage1, own.train, own.val, views=2)
        return Cell(
            row=row,
            column=column,
            part=part,
            seed=stage2.loop.seed,
            stage1=stage1,
            stage2=stage2,
            exam=exam or Exam(folder=labelled.folder, fold=labelled.fold),
            passes=(passes1, _passes(stage2, faces, labelled.val) + (labelled.test + labelled.val) // 3),
        )


def _loop(epochs: int, batch: int, seed: int, ema: float) -> dict[str, Any]:
    """A run's loop; validation faces are looked at once, for with few labels they cost more than the training."""
    return {"epochs": epochs, "batch": batch, "seed": seed, "ema": ema, "validate_every": epochs}


def parse_stage_changes(items: list[str]) -> dict[Literal[1, 2], Changes]:
    """`--set`: `loop.ema=0.99` for both stages, `1:loop.epochs=2` for one.

    Raises:
        ConfigError: an item isn't `name=value`.
    """
    found: dict[Literal[1, 2], Changes] = {}
    for stage in (1, 2):
        other = f"{3 - stage}:"
        found[stage] = parse_changes(item.removeprefix(f"{stage}:") for item in items if not item.startswith(other))
        if fixed := sorted({"data", "stage", "start", "fold", "loop.seed"} & set(found[stage])):
            raise ConfigError(f"--set {fixed[0]}: the table says it itself.")
    return found


def _passes(config: RunConfig, faces: int, val: int, *, views: int = 1) -> int:
    """Training passes, and a third for each face scored after an epoch: no gradient is computed for it."""
    loop = config.loop
    steps = max(faces // loop.batch, 1)
    looks = -(-loop.epochs // loop.validate_every)
    return loop.epochs * steps * min(loop.batch, faces) * views + looks * (val // 3)


def _power_of_two(value: float) -> int:
    return 1 << int(math.log2(max(value, 2)))
