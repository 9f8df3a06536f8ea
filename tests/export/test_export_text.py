"""A checkpoint's text side in a bundle: the projection embeds as torch does, and either tower adds the same labels."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.numpy import save

import export.__main__ as cli
from clef_rt.bundle import Bundle, load_bundle
from clef_rt.bundle.spec import TEXT
from clef_rt.bundle.write import write_bundle
from clef_rt.errors import BundleError, ConfigError
from clef_rt.labels.label_file import NewLabel
from clef_rt.labels.label_set import add_labels
from clef_rt.text import load_text_encoder
from clef_rt.text.projection import Projection
from export.checkpoint import embeddings_of, groups_of
from export.labels import training_text_encoder
from export.text import export_text
from tests.rigs.bundles import encoder_onnx, make_spec
from tests.rigs.checkpoint import FakeModel
from training.checkpoint import save_checkpoint
from training.manifest import EXPRESSIONS
from training.model import ClefModel
from training.model_config import ModelConfig
from training.texts import load_labels

CLIP = {"encoder": "clip-tiny", "text_tower": "clip-tiny", "init": "random", "projections": "none", "embed_dim": 32}
SENTENCES = ["a photo of a person with a grin", "closed eyes"]


def build(**settings: Any) -> ClefModel:
    texts = load_labels().chosen(["AU12", "AU04"], EXPRESSIONS)
    torch.manual_seed(0)
    model = ClefModel(ModelConfig(**{"image_size": 32, "embed_dim": 16, "texts": texts} | settings)).eval()
    if hasattr(model.text_head, "outer"):
        torch.nn.init.normal_(model.text_head.outer.weight)  # it begins at nothing
    return model


def bundle_of(model: Any, folder: Path) -> Bundle:
    """A bundle with the model's texts; its encoder is none of the model's."""
    part = export_text(model, embeddings_of(model))
    dim = model.config.embed_dim
    spec = make_spec(groups_of(model, {})).model_copy(update={"text": part.spec, "embedding_dim": dim})
    files = {"encoder.onnx": encoder_onnx(dim=dim), "labels.safetensors": save({"embeddings": part.table})}
    return write_bundle(folder, spec, {**files, **part.files, "MODEL_CARD.md": b"# tiny\n"})


@pytest.mark.parametrize(
    "settings",
    [{}, {"text_hidden": 24}, {"head": "descriptions"}, CLIP],
    ids=["linear", "bent", "descriptions", "clip"],
)
def test_the_graph_embeds_as_the_checkpoint_does(settings: dict[str, Any], tmp_path: Path) -> None:
    model = build(**settings)
    bundle = bundle_of(model, tmp_path / "b")
    features = model.features_of(SENTENCES * 40)
    with torch.inference_mode():
        expected = model.project_text(features).numpy()
    spec = bundle.spec.text
    assert spec is not None
    graph = bundle.read(TEXT)
    found = Projection(graph, spec.features, bundle.spec.embedding_dim, "here")(features.numpy())
    assert np.abs(found - expected).max() < 1e-5
    assert len(graph) < 100_000  # nothing of the image side, nor the texts' features, came along
    # Of a model that compares with names, the probe is the first label's own row.
    labels = len(bundle.spec.groups.labels)
    assert len(bundle.embeddings) == labels + (settings.get("head") == "descriptions")
    assert spec.template == "a photo of a person with {}"


def test_runtime_and_training_add_the_same_label(tmp_path: Path) -> None:
    model = build(text_hidden=24)
    bundle = bundle_of(model, tmp_path / "b")
    ours, theirs = load_text_encoder(bundle), training_text_encoder(bundle, None)
    assert np.abs(ours.embed(SENTENCES) - theirs.embed(SENTENCES)).max() < 1e-5
    # A label's own words give its own row.
    label = NewLabel(text=model.config.texts.au["AU12"].text)
    [table] = [draft.files["labels.safetensors"] for draft in [add_labels(bundle, {"copy": label}, ours)]]
    from safetensors.numpy import load

    rows = load(table)["embeddings"]
    assert rows[-1] == pytest.approx(rows[bundle.spec.groups.au.labels[0].rows[0]], abs=1e-5)


def run(*arguments: str | Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    out = io.StringIO()
    monkeypatch.setattr(cli, "console", Console(file=out, width=200))
    with pytest.raises(SystemExit) as ended:
        cli.main([str(each) for each in arguments])
    return int(ended.value.code or 0), out.getvalue()


def test_labels_are_added_with_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = bundle_of(build(**CLIP), tmp_path / "b")
    with pytest.raises(BundleError, match="clip-tiny, which the runtime doesn't carry"):
        load_text_encoder(bundle)
    (tmp_path / "labels.yaml").write_text("grin: {text: a grin}\nshut: {text: closed eyes, against: [open eyes]}\n")
    code, text = run(
        "labels", tmp_path / "b", tmp_path / "labels.yaml", "--out", tmp_path / "n", monkeypatch=monkeypatch
    )
    assert code == 0, text
    made = load_bundle(tmp_path / "n")
    assert made.spec.groups.zero_shot is not None
    assert [label.name for label in made.spec.groups.zero_shot.labels] == ["grin", "shut"]
    assert "nearest in meaning" in text
    code, text = run("labels", tmp_path / "b", tmp_path / "no.yaml", "--out", tmp_path / "n", monkeypatch=monkeypatch)
    assert (code, "There is no" in text) == (2, True)


def test_a_tuned_tower_is_its_checkpoint_s(tmp_path: Path) -> None:
    model = build(**CLIP, tuned_text=True)
    with torch.no_grad():
        for weight in model.tower.parameters():  # type: ignore[union-attr]
            weight += 0.05 * torch.randn_like(weight)  # as training would
    model.refresh_texts()
    save_checkpoint(model, tmp_path / "run" / "model.pt")
    bundle = bundle_of(model, tmp_path / "b")
    assert bundle.spec.text is not None
    assert (bundle.spec.text.tuned, TEXT in bundle.spec.files) == (True, False)
    with pytest.raises(ConfigError, match=r"text tower was tuned.*--checkpoint RUN"):
        training_text_encoder(bundle, None)
    encoder = training_text_encoder(bundle, tmp_path / "run")
    with torch.inference_mode():
        assert np.allclose(encoder.embed(SENTENCES), model.embed_sentences(SENTENCES).numpy(), atol=1e-5)
    save_checkpoint(build(**CLIP, tuned_text=True), tmp_path / "other" / "model.pt")
    with pytest.raises(BundleError, match="isn't the one of the bundle"):
        training_text_encoder(bundle, tmp_path / "other")
    with pytest.raises(ConfigError, match="no such checkpoint"):
        training_text_encoder(bundle, tmp_path / "nosuch")


@pytest.mark.parametrize("make", [lambda: build(head="index"), FakeModel], ids=["class index", "no tower"])
def test_labels_that_are_no_texts_have_no_text_side(make: Callable[[], Any]) -> None:
    model = make()
    table = embeddings_of(model)
    part = export_text(model, table)
    assert (part.spec, part.files) == (None, {})
    assert part.table is table
