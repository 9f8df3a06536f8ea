"""The model: texts in, checkpoint out and in again, and the labels as export reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from clef_rt.errors import BundleError, ConfigError
from training.augment import Augment
from training.checkpoint import load_checkpoint, save_checkpoint, take_over
from training.encoders import Pictures, make_encoder
from training.manifest import EXPRESSIONS
from training.model import ClefModel
from training.model_config import ModelConfig
from training.parts import Parts, freeze
from training.prompts import described_sentences
from training.text_table import frozen_tower
from training.texts import load_labels

CLIP = {"encoder": "clip-tiny", "text_tower": "clip-tiny", "init": "random", "projections": "none", "embed_dim": 32}


def build(**settings: Any) -> ClefModel:
    texts = load_labels().chosen(["AU12", "AU04"], EXPRESSIONS)
    torch.manual_seed(0)
    return ClefModel(ModelConfig(**{"image_size": 32, "embed_dim": 16, "texts": texts} | settings)).eval()


@pytest.fixture(scope="module")
def model() -> ClefModel:
    return build()


def faces(count: int) -> torch.Tensor:
    return torch.randint(0, 256, (count, 32, 32, 1), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "settings",
    [{}, CLIP, CLIP | {"tuned_text": True}, {"head": "index"}, {"head": "descriptions"}, {"rated": ("AU04",)}],
    ids=["minilm", "clip", "clip, tuned text", "class index", "descriptions", "intensities"],
)
def test_a_checkpoint_gives_the_same_model(settings: dict[str, Any], tmp_path: Path) -> None:
    model = build(**settings)
    model.refresh_texts()
    save_checkpoint(model, tmp_path / "run/model.pt")
    again = load_checkpoint(tmp_path / "run")
    assert again.config == model.config
    assert again.tower is None  # what scores are made of needs no text tower
    z = model.encode_image(faces(3))
    assert torch.equal(again.encode_image(faces(3)), z)
    assert torch.allclose(again.label_rows().embeddings, model.label_rows().embeddings, atol=1e-5)
    assert torch.allclose(again.logits(z, "au"), model.logits(z, "au"), atol=1e-5)


@pytest.mark.parametrize("damage", ["other", "cut", "empty"])
def test_what_is_no_checkpoint_is_refused(model: ClefModel, tmp_path: Path, damage: str) -> None:
    file = tmp_path / "model.pt"
    if damage == "other":
        torch.save({"weights": torch.zeros(2)}, file)
    else:
        save_checkpoint(model, file)
        file.write_bytes(file.read_bytes()[:1000] if damage == "cut" else b"")
    with pytest.raises(BundleError, match=r"isn't a checkpoint|can't be read"):
        load_checkpoint(file)


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
        (index, sentence)
        for index, label in enumerate([*texts.au.values(), *texts.expression.values()])
        for sentence in described_sentences(label, texts)
    ]
    table = model.embed_sentences([sentence for _, sentence in own])
    seen: list[set[int]] = [set() for _ in range(2 + len(EXPRESSIONS))]
    generator = torch.Generator().manual_seed(0)
    for _ in range(30):
        for label, drawn in enumerate(model.draw_descriptions(generator)):
            nearest = int((table - drawn).norm(dim=1).argmin())
            assert own[nearest][0] == label
            seen[label].add(nearest)
    assert all(len(found) > 2 for found in seen)


def test_without_names_a_label_is_the_mean_of_its_descriptions() -> None:
    model = build(head="descriptions")
    texts = model.config.texts
    mine = model.embed_sentences(described_sentences(texts.au["AU04"], texts))
    mean = torch.nn.functional.normalize(mine.sum(dim=0), dim=0)
    assert torch.allclose(model.name_embeddings("au")[1], mean, atol=1e-5)


def test_intensities_are_0_to_5_where_rated_and_unknown_elsewhere() -> None:
    model = build(rated=("AU04",))
    found = model.intensities(model.encode_image(faces(5)))
    assert found is not None
    assert found[:, 0].isnan().all()  # AU12 was never rated
    assert ((found[:, 1] >= 0) & (found[:, 1] <= 5)).all()
    assert build().intensities(torch.zeros(1, 16)) is None


def test_a_tuned_tower_learns_and_a_frozen_one_is_no_part_of_the_model() -> None:
    frozen = build(**CLIP)
    assert not any(name.startswith("tower") for name in frozen.state_dict())
    tuned = build(**CLIP, tuned_text=True).train()
    tuned.label_embeddings()[0, 0].backward()
    weights = [weight for weight in tuned.tower.parameters() if weight.grad is not None]  # type: ignore[union-attr]
    assert sum(float(weight.grad.abs().sum()) for weight in weights if weight.grad is not None) > 0
    before = tuned.texts["names"].features.clone()  # type: ignore[union-attr, operator]
    with torch.no_grad():
        for weight in weights:
            weight.add_(0.05)
    tuned.refresh_texts()
    assert not torch.allclose(before, tuned.texts["names"].features)  # type: ignore[arg-type]


def test_a_model_takes_over_encoder_and_projections_but_not_labels(model: ClefModel) -> None:
    other = build(texts=load_labels().chosen(["AU06"], ["neutral", "happiness"]))
    with torch.no_grad():
        other.image_head.weight.zero_()  # type: ignore[union-attr, operator]
    take_over(other, model)
    assert torch.equal(other.encode_image(faces(2)), model.encode_image(faces(2)))
    assert other.config.au_names == ("AU06",)
    with pytest.raises(ConfigError, match="encoder isn't built"):
        take_over(build(encoder="convnet-m"), model)


def test_frozen_parts_do_not_learn() -> None:
    model = build(**CLIP)
    freeze(model, Parts(image=1))
    learning = {name for name, weight in model.encoder.named_parameters() if weight.requires_grad}
    assert any("layers.2." in name for name in learning)
    assert not any("layers.1." in name or "patch_embedding" in name for name in learning)
    probe = build()
    freeze(probe, Parts(image="none"))
    probe.train()
    before = probe.encoder.state_dict()
    probe.encode_image(faces(8))
    assert all(torch.equal(value, before[name]) for name, value in probe.encoder.state_dict().items())
    assert probe.image_head.weight.requires_grad  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match="no blocks"):
        freeze(build(), Parts(image=2))


def test_sentences_that_mean_alike_are_near() -> None:
    tower = frozen_tower("minilm", "pretrained")
    table = tower.encode(["a broad smile", "the lip corners are pulled up, smiling", "the eyes are closed"] * 2)
    assert table.shape == (6, 384)
    assert torch.equal(table[:3], table[3:])
    assert table.norm(dim=1) == pytest.approx(torch.ones(6), abs=1e-5)
    assert table[0] @ table[1] > table[0] @ table[2] + 0.2


def test_clip_without_a_way_to_its_weights_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ConfigError, match=r"openai/clip-vit-base-patch16 .*fetched.*--init random"):
        build(encoder="clip-vit-b16")


def test_clips_two_halves_share_a_space_and_others_need_projections() -> None:
    model = build(**CLIP)
    assert isinstance(model.text_head, torch.nn.Identity)
    assert model.encode_image(faces(2).repeat(1, 1, 1, 3)).shape == (2, 32)
    larger = torch.zeros(1, 48, 48, 1, dtype=torch.uint8)  # position embeddings are interpolated
    assert build(**CLIP | {"image_size": 48}).encode_image(larger).shape == (1, 32)
    with pytest.raises(ConfigError, match="share no space"):
        build(projections="none")


def test_augmented_faces_are_faces_still() -> None:
    torch.manual_seed(1)
    flat = torch.full((16, 32, 32, 1), 128, dtype=torch.uint8)
    changed = Augment()(flat)
    assert changed.shape == flat.shape
    assert changed.dtype == torch.uint8
    middle = changed[:, 10:22, 10:22].float().mean(dim=(1, 2, 3))
    assert ((middle > 60) & (middle < 200)).all()
    assert middle.std() > 5  # light varies
    assert not torch.equal(Augment()(faces(4)), faces(4))


def test_parts_of_a_face_are_averaged_apart() -> None:
    from training.encoders.convnet import _Parts, _triangles

    for places in (3, 4, 5):
        torch.testing.assert_close(_triangles(places, 3).sum(dim=1), torch.ones(3))
    maps = torch.zeros(1, 1, 5, 5)
    maps[0, 0, 0, 4] = 1  # a corner
    found = _Parts(3, 2)(maps)[0, 0]
    assert found.argmax() == 1  # the first row's right part
    assert found[:, 0].max() < 0.2 * found[0, 1]
    torch.testing.assert_close(_Parts(3, 2)(torch.ones(2, 4, 7, 7)), torch.ones(2, 4, 3, 2))


def test_the_large_convnet_takes_any_size_and_tells_left_from_right() -> None:
    torch.manual_seed(0)
    encoder = make_encoder("convnet-l", Pictures(80, 1)).eval()
    faces = torch.rand(2, 1, 80, 80)
    assert encoder(faces).shape == encoder(faces[..., ::2, ::2]).shape == (2, encoder.features)
    once, mirrored = encoder(faces), encoder(faces.flip(3))
    assert (once - mirrored).abs().mean() > 0.1 * once.abs().mean()


def test_a_hidden_layer_may_be_added_to_what_a_run_starts_from(tmp_path: Path) -> None:
    start = build()
    model = build(text_hidden=32)
    take_over(model, start)
    torch.testing.assert_close(model.label_embeddings(), start.label_embeddings())
    save_checkpoint(model, tmp_path / "model.pt")
    assert load_checkpoint(tmp_path).config.text_hidden == 32
    with pytest.raises(ConfigError, match="text head"):
        take_over(build(), model)
