"""Recipes: files of commands, run once each."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from clef_rt.errors import ConfigError
from training.recipe import RECIPES, load_recipe, run_recipe

QUIET = Console(quiet=True)
GOOD = """
about: two listings
inputs: {facekit: a file}
sizes:
  full: {people: 2}
  mini: {people: 1}
steps:
  - {name: first, run: "training recipe {facekit} --show --out {out}/x --input facekit={facekit}", makes: "{out}"}
  - {name: second, run: "training paper", makes: "{out}", sizes: [full]}
"""


def write(folder: Path, text: str = GOOD) -> Path:
    path = folder / "own.yaml"
    path.write_text(text)
    return path


def test_a_shipped_recipe_reads() -> None:
    for file in RECIPES.glob("*.yaml"):
        recipe = load_recipe(file.stem)
        assert {"full", "mini"} <= recipe.sizes.keys()
        inputs = {name: Path("/") for name in recipe.inputs}
        for size in recipe.sizes:
            for step in recipe.chosen(size):
                assert all("{" not in word for word in step.command(recipe.values(size, inputs, Path("out"))))


def test_values_with_spaces_stay_one_word(tmp_path: Path) -> None:
    recipe = load_recipe(str(write(tmp_path)))
    place = tmp_path / "a b"
    place.mkdir()
    values = recipe.values("full", {"facekit": place}, tmp_path / "out")
    assert recipe.steps[0].command(values)[2] == str(place)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (("{out}/x", "{nowhere}/x"), "nothing is called nowhere"),
        (("name: second", "name: first"), "two steps are called first"),
        (("mini: {people: 1}", "mini: {folk: 1}"), "sizes differ in folk, people"),
        (('"training paper"', '"rm -rf /"'), "a command begins with training"),
        (("sizes: [full]", "sizes: [huge]"), "no size huge"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, change: tuple[str, str], error: str) -> None:
    assert change[0] in GOOD
    path = write(tmp_path, GOOD.replace(*change))
    with pytest.raises(ConfigError, match=f"own.yaml.*{error}"):
        load_recipe(str(path))


def test_inputs_are_asked_for(tmp_path: Path) -> None:
    recipe = load_recipe(str(write(tmp_path)))
    with pytest.raises(ConfigError, match="needs facekit: a file"):
        run_recipe(recipe, "full", {}, tmp_path / "out", QUIET)
    with pytest.raises(ConfigError, match="isn't there"):
        run_recipe(recipe, "full", {"facekit": tmp_path / "none"}, tmp_path / "out", QUIET)
    with pytest.raises(ConfigError, match="takes no camera"):
        run_recipe(recipe, "full", {"facekit": tmp_path, "camera": tmp_path}, tmp_path / "out", QUIET)
    with pytest.raises(ConfigError, match="no recipe 'soup'"):
        load_recipe("soup")
    assert not (tmp_path / "out").exists()


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    path = write(tmp_path)
    recipe, out = load_recipe(str(path)), tmp_path / "out"
    first = run_recipe(recipe, "full", {"facekit": path}, out, QUIET, until="first")
    assert list(first) == ["first"]
    seconds = run_recipe(recipe, "full", {"facekit": path}, out, QUIET)
    assert list(seconds) == ["first", "second"]
    assert seconds["first"] == first["first"]
    other = path.with_name("other.yaml")
    other.write_text(GOOD)
    with pytest.raises(ConfigError, match="first by another command"):
        run_recipe(recipe, "full", {"facekit": other}, out, QUIET)
    with pytest.raises(ConfigError, match="ended with code 2"):
        run_recipe(
            load_recipe(str(write(tmp_path, GOOD.replace("training paper", "training evaluate nowhere")))),
            "full", {"facekit": path}, tmp_path / "again", QUIET,
        )  # fmt: skip
    assert "second" not in json.loads((tmp_path / "again/recipe.json").read_text())


def test_ctrl_c_stops_the_step_and_the_same_command_goes_on(tmp_path: Path) -> None:
    slow = tmp_path / "training"  # stands in for the package, in the child's folder
    slow.mkdir()
    (slow / "__init__.py").touch()
    (slow / "__main__.py").write_text(
        "import pathlib, sys, time\n"
        "place = pathlib.Path(sys.argv[1])\n"
        "(place / 'begun').touch()\n"
        "if '--resume' in sys.argv: (place / 'made').touch(); sys.exit()\n"
        "time.sleep(60)\n"
    )
    text = (
        "about: a\ninputs: {}\nsizes: {full: {}, mini: {}}\n"
        'steps: [{name: slow, run: "training {out}", makes: "{out}/made", resumes: "{out}/begun"}]\n'
    )
    path, out = write(tmp_path, text), tmp_path / "out"
    program = (
        "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "from pathlib import Path; from rich.console import Console; from training.recipe import *\n"
        "run_recipe(load_recipe(sys.argv[1]), 'full', {}, Path(sys.argv[2]), Console(stderr=True))\n"
    )
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-P", "-c", program, root, str(path), str(out)]
    running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 60
    while not (out / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert "Stopped in slow" in errors
    assert not (out / "recipe.json").exists()
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60, stderr=subprocess.DEVNULL)
    assert "slow" in json.loads((out / "recipe.json").read_text())
