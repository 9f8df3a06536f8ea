"""Who may import whom (the contracts in pyproject.toml), and what a command loads."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("clef_rt", "training", "export", "benchmarks")
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])"


def run(code: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=100)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages' Python files, to be harmed."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("*.onnx", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_all_contracts_hold() -> None:
    done = run(LINT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_contract_can_break(copy: Path) -> None:
    harm = {
        "clef_rt/errors.py": "import torch",
        "clef_rt/picture.py": "from clef_rt.stream import Stream",
        "clef_rt/wire/topic.py": "from clef_rt.detect import Detector",
        "training/manifest.py": "def late():\n    import export.bundle",
    }
    for name, line in harm.items():
        with (copy / name).open("a") as file:
            file.write(f"\n{line}\n")
    done = run(LINT, copy)
    assert done.returncode == 1, done.stderr
    assert "4 broken" in done.stdout
    for chain in ("clef_rt.errors -> torch", "clef_rt.picture -> clef_rt.stream", "training.manifest -> export.bundle"):
        assert chain in done.stdout


def test_a_new_module_must_find_its_layer(copy: Path) -> None:
    (copy / "clef_rt" / "newcomer.py").touch()
    done = run(LINT, copy)
    assert done.returncode == 1
    assert "clef_rt.newcomer" in done.stdout


def test_every_module_of_the_runtime_can_be_imported_without_torch() -> None:
    done = run(
        "import importlib, pkgutil, sys\n"
        "for name in ('torch', 'transformers', 'pandas', 'skimage', 'insightface'): sys.modules[name] = None\n"
        "import clef_rt\n"
        "names = [m.name for m in pkgutil.walk_packages(clef_rt.__path__, 'clef_rt.') if '__main__' not in m.name]\n"
        "for name in names: importlib.import_module(name)\n"
        "print(len(names))"
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50


def test_help_loads_nothing_heavy() -> None:
    done = run(
        "import sys\n"
        "sys.argv = ['clef-rt', '--help']\n"
        "from clef_rt.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: code = end.code\n"
        "heavy = ('torch', 'av', 'cv2', 'onnxruntime', 'zmq', 'skimage')\n"
        "print(code, [name for name in heavy if name in sys.modules])"
    )
    assert done.stdout.splitlines()[-1] == "0 []", done.stdout + done.stderr
