"""A recipe's file.

```yaml
about: what comes out of it
inputs:                        # what the user gives, by --data and the like; `{name}` in the steps
  data: the folder with ferplus and real_faces
sizes:                         # `{name}` in the steps, by --size
  full: {people: 400}
  mini: {people: 6}
steps:
  - name: render
    run: training synthetic --facekit {facekit} --subjects {people} --out {out}/rendered
    makes: "{out}/rendered/manifest.csv"
```
"""

from __future__ import annotations

import shlex
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from clef_rt.errors import ConfigError
from training.yaml_file import load_yaml

__all__ = ["RECIPES", "Recipe", "Step", "load_recipe"]

RECIPES: Final = Path(__file__).parents[1] / "recipes"

_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")]
_MODULES: Final = ("training", "export", "benchmarks")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Strict):
    """A command.

    Attributes:
        name: what it is called.
        run: `training …`, `export …` or `benchmarks …`, with `{names}` of inputs and sizes, and `{out}`.
        makes: a file or folder that is there once it is done.
        resumes: a file that a stopped run leaves; where it is, the command goes on by `--resume`.
        sizes: for which sizes it is run; none: all.
    """

    name: _Name
    run: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    makes: str
    resumes: str | None = None
    sizes: tuple[str, ...] = ()

    def command(self, values: Mapping[str, str]) -> list[str]:
        """Its words, filled in; a value with spaces stays one word."""
        return [word.format_map(values) for word in shlex.split(self.run)]


class Recipe(_Strict):
    """All steps, in order.

    Attributes:
        about: what comes out of it.
        inputs: what the user gives, and what each is.
        sizes: numbers and words by size; the first is the usual one.
        steps: the commands.
    """

    about: str
    inputs: dict[_Name, str]
    sizes: dict[_Name, dict[str, str | int | float]] = Field(min_length=1)
    steps: tuple[Step, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names = [step.name for step in self.steps]
        if twice := {name for name in names if names.count(name) > 1}:
            raise _wrong(f"two steps are called {min(twice)}")
        first = next(iter(self.sizes.values()))
        for size, values in self.sizes.items():
            if values.keys() != first.keys():
                raise _wrong(f"the sizes differ in {', '.join(sorted(values.keys() ^ first.keys()))}: see {size}")
        known = {"out", *self.inputs, *first}
        for step in self.steps:
            if step.run.split()[0] not in _MODULES:
                raise _wrong(f"{step.name}: a command begins with {', '.join(_MODULES)}")
            used = {
                field
                for text in (step.run, step.makes, step.resumes or "")
                for _, field, *_ in string.Formatter().parse(text)
                if field is not None
            }
            if unknown := used - known:
                raise _wrong(f"{step.name}: nothing is called {min(unknown)}")
            if unknown := set(step.sizes) - self.sizes.keys():
                raise _wrong(f"{step.name}: there is no size {min(unknown)}")
        return self

    def values(self, size: str, given: Mapping[str, Path], out: Path) -> dict[str, str]:
        """What the names in the steps stand for.

        Raises:
            ConfigError: there is no such size, or an input isn't given or isn't there.
        """
        if size not in self.sizes:
            raise ConfigError(f"The recipe has no size {size!r}.", f"Choose {', '.join(self.sizes)}.")
        for name, what in self.inputs.items():
            if name not in given:
                raise ConfigError(f"The recipe needs {name}: {what}.", f"Give it: --input {name}=PATH.")
            if not given[name].exists():
                raise ConfigError(f"{given[name]} isn't there. It should be {name}: {what}.")
        if unknown := sorted(given.keys() - self.inputs.keys()):
            raise ConfigError(f"The recipe takes no {unknown[0]}.", f"Its inputs: {', '.join(self.inputs)}.")
        return {
            **{name: str(value) for name, value in self.sizes[size].items()},
            **{name: str(given[name]) for name in self.inputs},
            "out": str(out),
        }

    def chosen(self, size: str) -> list[Step]:
        """The steps of a size."""
        return [step for step in self.steps if not step.sizes or size in step.sizes]


def load_recipe(name: str) -> Recipe:
    """Read a recipe: its name in `training/recipes`, or a file's path.

    Raises:
        ConfigError: there is none, or it is wrong; names the file and the key.
    """
    path = Path(name) if Path(name).suffix in (".yaml", ".yml") else RECIPES / f"{name}.yaml"
    if not path.is_file():
        own = ", ".join(sorted(file.stem for file in RECIPES.glob("*.yaml")))
        raise ConfigError(f"There is no recipe {name!r}.", f"Choose {own}, or give a .yaml file.")
    return load_yaml(path, TypeAdapter(Recipe))


def _wrong(message: str) -> PydanticCustomError:
    return PydanticCustomError("recipe", "{message}", {"message": message})
