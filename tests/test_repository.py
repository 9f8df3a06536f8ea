"""What the repository carries and says: no picture of others, no place of one machine, only commands that exist."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

import clef_rt

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
GUIDES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

PICTURES = {
    ".avi",
    ".bmp",
    ".gif",
    ".jpeg",
    ".jpg",
    ".mkv",
    ".mov",
    ".mp4",
    ".npy",
    ".npz",
    ".parquet",
    ".tif",
    ".webp",
}
WEIGHTS = {".clef", ".onnx", ".pt", ".safetensors"}
# Spelled in parts, so that this file passes too.
REGISTRIES = [
    "pypi" + ".org",
    "python" + "hosted",
    "registry.npm" + "js",
    "deb.debian" + ".org",
    "download.py" + "torch",
]


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """The files that git tracks."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("this is no git checkout")
    return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", path.read_text("utf-8"), re.DOTALL)


def commands(path: Path) -> list[list[str]]:
    """The words of each line to be typed; only the part before a pipe or a redirection."""
    lines = "".join(blocks(path, "sh")).splitlines()
    return [shlex.split(re.split(r"[|>]", line)[0], comments=True) for line in lines if line.strip()]


TYPED = [pytest.param(words, id=f"{path.name}:{' '.join(words)}") for path in GUIDES for words in commands(path)]


def texts(paths: list[Path]) -> dict[Path, str]:
    found = {}
    for path in paths:
        try:
            found[path] = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
    return found


def test_no_place_of_one_machine_and_no_registry_is_named(tracked: list[Path]) -> None:
    homes = re.compile(r"(?<![\w.:/])/(?:work|farm|root|home/\w+|Users/\w+)/|/tmp/venv|/\.pyenv/")
    for path, text in texts(tracked).items():
        if path == Path(__file__):
            continue
        assert not homes.search(text), path
        assert not [host for host in REGISTRIES if host in text.lower()], path


def test_no_picture_or_data_of_others_is_carried(tracked: list[Path]) -> None:
    assert [path for path in tracked if path.suffix.lower() in PICTURES] == []
    # A PNG is a plot of our own.
    assert [
        path for path in tracked if path.suffix == ".png" and (ROOT / "benchmarks" / "results") not in path.parents
    ] == []


def test_weights_stay_small(tracked: list[Path]) -> None:
    weights = [path for path in tracked if path.suffix in WEIGHTS]
    assert weights
    assert sum(path.stat().st_size for path in weights) < 40e6
    assert [path for path in tracked if path not in weights and path.stat().st_size > 1e6] == []


def test_files_of_the_runtime_stay_short(tracked: list[Path]) -> None:
    ours = [path for path in tracked if path.suffix == ".py" and path.is_relative_to(ROOT / "clef_rt")]
    assert {str(path): count for path in ours if (count := len(path.read_text("utf-8").splitlines())) > 260} == {}


def test_the_readme_opens_with_the_two_commands() -> None:
    assert blocks(ROOT / "README.md", "sh")[0] == "make demo\nmake test\n"
    before = README.split("```")[0].strip().splitlines()
    assert len([line for line in before if line]) == 2  # a title and a sentence


def test_continuous_integration_runs_the_test_command() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert re.search(r"^exec make .*\btest$", script.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("words", TYPED)
def test_what_the_guides_tell_to_type_exists(words: list[str]) -> None:
    if words[0] == "torchrun":  # starts several of what it is followed by
        words = ["python", *words[words.index("-m") :]]
    if words[0] == "make":
        makefile = (ROOT / "Makefile").read_text("utf-8")
        assert re.search(rf"^{words[1]}:", makefile, re.MULTILINE)
    elif words[0] == "clef-rt":
        check_options(importlib.import_module("clef_rt.cli.app").app, words[1:])
    elif words[:2] == ["python", "-m"]:
        module = importlib.import_module(f"{words[2]}.__main__") if words[2] != "clef_rt.wire" else None
        if module is not None:
            check_options(module.app, words[3:])
    elif words[:2] == ["pip", "install"]:
        for extra in re.findall(r"\[(.*?)\]", " ".join(words)):
            assert set(extra.split(",")) <= set(PROJECT["optional-dependencies"])
    else:
        assert words[0].startswith(".venv/")


def check_options(app: typer.Typer, words: list[str]) -> None:
    command: Any = typer.main.get_command(app)  # a click command, of the click that Typer brings
    while (subcommands := getattr(command, "commands", None)) and words and not words[0].startswith("-"):
        assert words[0] in subcommands
        command, words = subcommands[words[0]], words[1:]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("-")} <= known | {"--help"}


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_links_lead_somewhere(guide: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", guide.read_text("utf-8")):
        assert (guide.parent / target).exists(), target


def test_the_map_of_the_code_is_short_and_right() -> None:
    rows = re.findall(r"^\| (`.*?) \|", README.split("## The code")[1].split("\n## ")[0], re.MULTILINE)
    assert 0 < len(rows) <= 10
    for row in rows:
        names = re.findall(r"`(.*?)`", row)
        folder = ROOT / names[0].split("/")[0] if names[0].startswith("clef_rt/") else ROOT
        for name in names:
            assert (ROOT / name).exists() or (folder / name).exists(), name


def test_python_in_the_readme_uses_what_exists() -> None:
    [code] = blocks(ROOT / "README.md", "python")
    used = {
        node.attr
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "clef_rt"
    }
    assert used
    assert used <= set(clef_rt.__all__)


def test_the_changelog_tells_this_version() -> None:
    assert f"## [{clef_rt.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_constraints_pin_what_make_installs() -> None:
    pins = re.findall(r"^([\w-]+)==", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE)
    assert "torch" in pins
    assert "insightface" in pins


def test_the_runtime_depends_on_no_training_library() -> None:
    names = {re.split(r"[^\w-]", requirement)[0].lower() for requirement in PROJECT["dependencies"]}
    assert not names & {"torch", "transformers", "pandas", "scikit-image", "opencv-python", "insightface"}
    assert "opencv-python-headless" in names


def test_hooks_need_no_network() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert {repository["repo"] for repository in config["repos"]} == {"local"}
