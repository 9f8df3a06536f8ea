"""The recipe of the shipped models in miniature: data, both stages, evaluation, bundles."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from clef_rt.bundle import load_bundle
from clef_rt.encode import load_encoder
from training.recipe import load_recipe, run_recipe


@pytest.fixture(scope="module")
def few_photographs(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some photographs of each emotion and split, in the layout of the whole datasets."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "real_faces").mkdir()
    (folder / "ferplus").mkdir()
    with zipfile.ZipFile(shared_data / "real_faces/real_faces.zip") as whole:
        rows = pd.read_csv(io.BytesIO(whole.read("labels.csv")), dtype=str)
        rows = rows.groupby(["split", "label"], group_keys=False).head(24)
        with zipfile.ZipFile(folder / "real_faces/real_faces.zip", "w") as part:
            part.writestr("labels.csv", rows.to_csv(index=False))
            for name in rows["file"]:
                part.writestr(f"images/{name}", whole.read(f"images/{name}"))
    with np.load(shared_data / "ferplus/ferplus_48.npz") as whole:
        arrays = {name: whole[name] for name in whole.files}
    some = np.concatenate([np.flatnonzero(arrays["split"] == split)[:300] for split in range(3)])
    few = {name: values[some] if len(values) == len(arrays["split"]) else values for name, values in arrays.items()}
    np.savez(folder / "ferplus/ferplus_48.npz", **few)
    return folder


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_shipped_models_recipe_in_miniature(few_photographs: Path, shared_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("mediapipe", reason="the teacher needs mediapipe")
    pytest.importorskip("moderngl")
    recipe, out = load_recipe("default"), tmp_path / "made"
    inputs = {
        "data": few_photographs,
        "facekit": shared_data / "ict_facekit/ict_facekit.npz",
        "teacher": shared_data / "mediapipe/face_landmarker.task",
    }
    run_recipe(recipe, "mini", inputs, out, Console(stderr=True), until="edge-stage1")
    seconds = run_recipe(recipe, "mini", inputs, out, Console(stderr=True))  # goes on
    assert list(seconds) == [step.name for step in recipe.chosen("mini")]
    for name, photographs in (("edge-clean", False), ("edge", True)):
        bundle = load_bundle(out / "bundles" / name)
        encoder = load_encoder(bundle, "cpu")
        side = bundle.spec.input.size
        crops = np.zeros((2, side, side, 1), np.uint8)
        assert encoder.encode(crops).shape == (2, 256)
        assert {"AU12", "AU12_L", "AU12_R", "AU45_R"} <= {label.name for label in bundle.spec.groups.au.labels}
        assert len(bundle.spec.groups.expression.labels) == 8
        assert ("FER2013" in bundle.card()) == photographs
        assert ("real_faces" in bundle.spec.provenance["training_data"]) == photographs
        assert {"rendered", "real_faces", "ferplus"} <= bundle.spec.metrics["test"].keys()
        figures = json.loads((out / "runs" / name / "evaluation.json").read_text())["test"]
        assert 0 <= figures["real_faces"]["emotion_proxy"]["headline"]["auc"] <= 1
        assert json.loads((out / "runs" / name / "robustness.json").read_text())
        assert "### In video" in bundle.card()
