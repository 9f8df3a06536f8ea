"""The model: texts in, checkpoint out and in again, and the labels as export reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from clef_rt.errors import BundleError
from training.augment import Augment
from training.manifest import EXPRESSIONS
from training.model import ClefModel, ModelConfig, load_checkpoint, text_features
from training.text import encode_sentences
from training.texts import load_labels


@pytest.fixture(scope="module")
def model() -> ClefModel:
    texts = load_labels().chosen(["AU12", "AU04"], EXPRESSIONS)
    torch.manual_seed(0)
    return ClefModel(ModelConfig(image_size=32, embed_dim=16, texts=texts)).eval()


def faces(count: int) -> torch.Tensor:
    return torch.randint(0, 256, (count, 32, 32, 1), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_sentences_that_mean_alike_are_near() -> None:
    table = encode_sentences(["a broad smile", "the lip corners are pulled up, smiling", "the eyes are closed"] * 2)
    assert table.shape == (6, 384)
    assert torch.equal(table[:3], table[3:])
    assert table.norm(dim=1) == pytest.approx(torch.ones(6), abs=1e-5)
    assert table[0] @ table[1] > table[0] @ table[2] + 0.2


def test_a_checkpoint_gives_the_same_model(model: ClefModel, tmp_path: Path) -> None:
    model.save(tmp_path / "run/model.pt")
    again = load_checkpoint(tmp_path / "run")
    assert again.config == model.config
    assert torch.equal(again.encode_image(faces(3)), model.encode_image(faces(3)))
    assert torch.equal(again.label_rows().embeddings, model.label_rows().embeddings)


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    torch.save({"weights": torch.zeros(2)}, tmp_path / "other.pt")
    with pytest.raises(BundleError, match="isn't a checkpoint"):
        load_checkpoint(tmp_path / "other.pt")


def test_scores_are_similarities_to_names(model: ClefModel) -> None:
    rows = model.label_rows()
    z = model.encode_image(faces(4))
    assert [label.name for label in rows.groups["au"]] == ["AU12", "AU04"]
    assert tuple(label.name for label in rows.groups["expression"]) == EXPRESSIONS
    assert rows.groups["au"][0].prompts == ("a photo of a person with lip corners pulled up",)
    cosine = z @ rows.embeddings.T
    biases = torch.tensor([label.bias for label in rows.groups["au"]])
    assert torch.allclose(model.logits(z, "au"), model.logit_scale("au") * cosine[:, :2] + biases, atol=1e-5)
    assert torch.allclose(model.logits(z, "expression"), model.logit_scale("expression") * cosine[:, 2:], atol=1e-5)
    assert torch.equal(model.export_module()(faces(4)), z)


def test_drawn_descriptions_are_each_labels_own(model: ClefModel) -> None:
    texts = model.config.texts
    own = [
        (index, template.format(description))
        for index, label in enumerate([*texts.au.values(), *texts.expression.values()])
        for template in texts.templates.description
        for description in label.descriptions
    ]
    table = model.project_text(encode_sentences([sentence for _, sentence in own]))
    seen: list[set[int]] = [set() for _ in range(len(model.name_features))]
    generator = torch.Generator().manual_seed(0)
    for _ in range(30):
        for label, drawn in enumerate(model.draw_descriptions(generator)):
            nearest = int((table - drawn).norm(dim=1).argmin())
            assert own[nearest][0] == label
            seen[label].add(nearest)
    assert all(len(found) > 2 for found in seen)


def test_features_keep_the_order_of_labels(model: ClefModel) -> None:
    features = text_features(model.config.texts)
    assert torch.allclose(features["name"], model.name_features, atol=1e-6)
    assert len(features["description"]) == len(model.owners)


def test_augmented_faces_are_faces_still() -> None:
    torch.manual_seed(0)
    flat = torch.full((16, 32, 32, 1), 128, dtype=torch.uint8)
    changed = Augment()(flat)
    assert changed.shape == flat.shape
    assert changed.dtype == torch.uint8
    middle = changed[:, 10:22, 10:22].float().mean(dim=(1, 2, 3))
    assert ((middle > 60) & (middle < 200)).all()
    assert middle.std() > 5  # light varies
    assert not torch.equal(Augment()(faces(4)), faces(4))
