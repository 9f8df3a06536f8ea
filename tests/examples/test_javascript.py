"""The bundle's ONNX and texts give the same scores in JavaScript, by code that knows nothing of clef_rt."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clef_rt.bundle import Bundle, load_bundle
from clef_rt.bundle.spec import Label
from clef_rt.bundle.write import write_bundle
from clef_rt.encode import load_encoder
from clef_rt.labels import LabelBank
from tests.rigs.bundles import make_bundle, make_files, make_spec

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "javascript"
INSTALLED = ROOT / ".cache" / "example-javascript"
RUNTIMES = ("onnxruntime-node", "onnxruntime-web")
TOLERANCE = 1e-5  # 6e-7 was measured

Scored = list[dict[str, dict[str, float]]]


def install(runtime: str) -> None:
    """Fetch a runtime with npm, once; its scripts would fetch CUDA's part as well."""
    INSTALLED.mkdir(parents=True, exist_ok=True)
    shutil.copytree(EXAMPLE, INSTALLED, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    version = json.loads((EXAMPLE / "package.json").read_text())["dependencies"]["onnxruntime-node"]
    command = ["npm", "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"]
    command += [] if runtime == "onnxruntime-node" else ["onnxruntime-node@" + version, f"{runtime}@{version}"]
    subprocess.run(command, cwd=INSTALLED, check=True, capture_output=True, timeout=110)


@pytest.fixture
def example() -> Path:
    """The example beside an installed onnxruntime-node."""
    if not shutil.which("node"):
        pytest.skip("node isn't installed")
    if not (INSTALLED / "node_modules" / "onnxruntime-node").is_dir():
        pytest.skip("onnxruntime-node isn't installed: pytest -m slow tests/examples fetches it")
    shutil.copytree(EXAMPLE, INSTALLED, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    return INSTALLED


def crops(bundle: Bundle, count: int) -> NDArray[np.uint8]:
    """From coarse to fine noise."""
    size, channels = bundle.spec.input.size, bundle.spec.input.channels
    rng = np.random.default_rng(3)
    grids = [1 + i * (size - 1) // max(1, count - 1) for i in range(count)]
    made = [np.kron(rng.integers(0, 256, (g, g)), np.ones((size // g + 1,) * 2))[:size, :size] for g in grids]
    return np.repeat(np.stack(made)[..., None], channels, axis=3).astype(np.uint8)


def by_python(bundle: Bundle, batch: NDArray[np.uint8]) -> Scored:
    bank = LabelBank.from_bundle(bundle)
    scores = bank.score(load_encoder(bundle, "cpu", threads=1).encode(batch))
    found = []
    for face in range(len(batch)):
        groups = zip(("au", "expression", "zero_shot"), bank.face_scores(scores, face), strict=True)
        found.append({group: dict(values) for group, values in groups if len(values)})
    return found


def by_node(folder: Path, bundle: Bundle, batch: NDArray[np.uint8], tmp_path: Path, runtime: str = "") -> Scored:
    batch.tofile(tmp_path / "crops.raw")
    command = ["node", "score.mjs", bundle.path, tmp_path / "crops.raw", *([runtime] if runtime else [])]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def check(one: Scored, other: Scored) -> None:
    assert len(one) == len(other) > 0
    for ours, theirs in zip(one, other, strict=True):
        assert {group: list(scores) for group, scores in ours.items()} == {g: list(s) for g, s in theirs.items()}
        for group, scores in ours.items():
            difference = max(abs(score - theirs[group][name]) for name, score in scores.items())
            assert difference < TOLERANCE, (group, difference)


def test_the_embedded_bundle_scores_alike(example: Path, tmp_path: Path) -> None:
    bundle = load_bundle("edge")
    batch = crops(bundle, 6)
    check(by_python(bundle, batch), by_node(example, bundle, batch, tmp_path))


def with_against(spec: Any) -> Any:
    """The description with its zero-shot label scored against the rows 4 and 5."""
    raw = json.loads(spec.to_json())
    label = raw["groups"]["zero_shot"]["labels"][0]
    label["against"] = {"prompts": ["one", "two"], "rows": [4, 5]}
    return type(spec).model_validate_json(json.dumps(raw))


@pytest.mark.skipif("against" not in Label.model_fields, reason="labels have no `against`")
def test_labels_against_others_score_alike(example: Path, tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "b", with_against(make_spec()), make_files())
    batch = crops(bundle, 5)
    check(by_python(bundle, batch), by_node(example, bundle, batch, tmp_path))


def test_a_damaged_bundle_is_refused(example: Path, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    (bundle.path / "encoder.onnx").write_bytes(b"x")
    (tmp_path / "crops.raw").write_bytes(bytes(256))
    command = ["node", "score.mjs", bundle.path, tmp_path / "crops.raw"]
    done = subprocess.run(command, cwd=example, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "encoder.onnx isn't the file that bundle.json lists" in done.stderr


def test_python_cuts_the_crops_of_a_photograph(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    data = pytest.importorskip("skimage.data")
    cv2.imwrite(str(tmp_path / "portrait.png"), data.astronaut()[..., ::-1])
    command = [sys.executable, EXAMPLE / "crop.py", tmp_path / "portrait.png", tmp_path / "crops.raw"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    bundle = load_bundle()
    size, channels = bundle.spec.input.size, bundle.spec.input.channels
    batch = np.fromfile(tmp_path / "crops.raw", np.uint8).reshape(-1, size, size, channels)
    check(json.loads(done.stdout), by_python(bundle, batch))
    if (INSTALLED / "node_modules" / "onnxruntime-node").is_dir() and shutil.which("node"):
        shutil.copytree(EXAMPLE, INSTALLED, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
        check(json.loads(done.stdout), by_node(INSTALLED, bundle, batch, tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_runtimes_of_node_and_of_browsers_score_alike(runtime: str, tmp_path: Path) -> None:
    if not shutil.which("npm"):
        pytest.skip("npm isn't installed")
    install(runtime)
    bundle = load_bundle("edge")
    batch = crops(bundle, 20)
    check(by_python(bundle, batch), by_node(INSTALLED, bundle, batch, tmp_path, runtime))
