"""What `import clef_rt` gives, and what it costs."""

from __future__ import annotations

import json
import subprocess
import sys
from types import FunctionType

import pytest

import clef_rt
from clef_rt import analyzer, errors, stream, subscribe

HEAVY = ("av", "cv2", "msgpack", "numpy", "onnxruntime", "pydantic", "rich", "torch", "typer", "zmq")


def run(code: str) -> str:
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_the_package_imports_nothing_heavy() -> None:
    loaded = json.loads(run("import clef_rt, json, sys; print(json.dumps(sorted(sys.modules)))"))
    assert "clef_rt" in loaded
    assert not set(HEAVY) & set(loaded)
    assert [name for name in loaded if name.startswith("clef_rt.")] == ["clef_rt._version"]


def test_importing_the_package_is_quick() -> None:
    code = "import time; begun = time.perf_counter(); import clef_rt; print(time.perf_counter() - begun)"
    assert min(float(run(code)) for _ in range(3)) < 0.3


@pytest.mark.parametrize("name", clef_rt.__all__)
def test_each_public_name_is_there(name: str) -> None:
    value = getattr(clef_rt, name)
    assert name in dir(clef_rt)
    if name != "__version__":
        assert value.__name__ == name
        assert value.__doc__


def test_names_are_those_of_their_modules() -> None:
    assert clef_rt.load is analyzer.load
    assert clef_rt.ClefError is errors.ClefError


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'clef_rt' has no attribute 'strem'"):
        _ = clef_rt.strem  # type: ignore[attr-defined]


def test_a_function_is_not_hidden_by_the_module_of_its_name() -> None:
    assert isinstance(stream, FunctionType)
    assert isinstance(subscribe, FunctionType)
    for first in ("import clef_rt.stream, clef_rt.subscribe", "from clef_rt.stream import Stream", "clef_rt.stream"):
        code = f"import clef_rt; {first}; from clef_rt.stream import Stream; print(clef_rt.stream, clef_rt.subscribe)"
        assert run(code).count("<function ") == 2
