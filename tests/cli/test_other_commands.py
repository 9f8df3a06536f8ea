"""Help, version, start-up and `config`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from clef_rt._version import __version__
from clef_rt.config import LiveSettings
from tests.cli.conftest import Call, Clef

COMMANDS = ("demo", "live", "subscribe", "image", "models", "labels", "doctor", "config")


def test_help_lists_the_commands(clef: Clef) -> None:
    run = clef("--help")
    assert run.returncode == 0
    for name in COMMANDS:
        assert f" {name} " in run.stdout


def test_no_arguments_show_the_help(call: Call) -> None:
    assert "Usage: clef-rt" in call().stdout


def test_version(call: Call) -> None:
    run = call("--version")
    assert (run.returncode, run.stdout) == (0, f"clef-rt {__version__}\n")


def test_help_of_live_has_panels_and_examples(clef: Clef) -> None:
    text = clef("live", "--help").stdout
    for part in ("Input", "Analysis", "Wire", "Output", "Examples", "clef-rt live 0 "):
        assert part in text


def test_help_names_the_defaults_that_hold(clef: Clef) -> None:
    text = " ".join(clef("live", "--help").stdout.replace("│", " ").split())
    subscribing = " ".join(clef("subscribe", "--help").stdout.replace("│", " ").split())
    defaults = LiveSettings()
    assert f"every so many frames, {defaults.detect_every} by default" in text
    assert f"the largest are scored; {defaults.max_faces} by default" in text
    assert f"{defaults.publish.endpoint} by default" in text
    assert f"{defaults.publish.endpoint} by default" in subscribing


def test_start_up_imports_nothing_heavy() -> None:
    heavy = ["numpy", "zmq", "av", "cv2", "onnxruntime", "pydantic", "yaml", "msgpack", "rich.live", "torch"]
    code = (
        "import sys, clef_rt.cli.app; from typer.main import get_command; get_command(clef_rt.cli.app.app); "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == "[]"


def test_unknown_command_and_option(call: Call) -> None:
    for arguments in (["lve"], ["live", "--nosuch"], ["image"]):
        run = call(*arguments)
        assert run.returncode == 2
        assert "Traceback" not in run.stderr


def test_config_example_passes_its_own_check(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "clef.yaml"
    path.write_text(call("config", "example").stdout)
    run = call("config", "check", path)
    assert (run.returncode, run.stdout) == (0, f"{path} is right: 2 source(s).\n")


def test_config_check_tells_everything(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "clef.yaml"
    path.write_text("threads: x\nretry: 3\n")
    run = call("config", "check", path)
    assert run.returncode == 2
    assert [line.split(": ")[0] for line in run.stderr.splitlines()] == [f"{path}:1", f"{path}:2"]
