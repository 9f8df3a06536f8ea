"""Texts: what the files hold, what is made from them, and what a fault in them says."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from clef_rt.errors import ConfigError
from training.manifest import EXPRESSIONS
from training.prompts import compose_expression, described_sentences, intensity_prompts, name_prompt
from training.teacher import TEACHER_AUS
from training.texts import (
    FOLDER,
    INTENSITIES,
    LabelText,
    LabelTexts,
    Templates,
    activity_sentence,
    load_activities,
    load_labels,
)

BP4D = [f"AU{number:02d}" for number in (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)]
DISFA = [f"AU{number:02d}" for number in (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)]
FACS = (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 22, 23, 24, 25, 26, 27, 28, 43, 45)

# What the bundle in the package was trained with; another text would be another model.
SHIPPED = {
    "AU01": "raised inner brows",
    "AU02": "raised outer brows",
    "AU04": "lowered brows",
    "AU05": "raised upper eyelids",
    "AU06": "raised cheeks",
    "AU07": "tightened eyelids",
    "AU09": "a wrinkled nose",
    "AU10": "a raised upper lip",
    "AU12": "lip corners pulled up",
    "AU14": "dimpled cheeks",
    "AU15": "lip corners pulled down",
    "AU16": "a lowered lower lip",
    "AU17": "a raised chin",
    "AU18": "puckered lips",
    "AU20": "stretched lips",
    "AU22": "funneled lips",
    "AU24": "pressed lips",
    "AU25": "parted lips",
    "AU26": "a dropped jaw",
    "AU28": "lips sucked in",
    "AU45": "closed eyes",
}

PAPERS_TEMPLATES = {
    "a photo of a person with {}",
    "a photo of a face where {}",
    "a cropped photo of face that {}",
}


@pytest.fixture(scope="module")
def texts() -> LabelTexts:
    return load_labels()


def test_the_file_has_every_label_and_enough_words(texts: LabelTexts) -> None:
    assert tuple(texts.expression) == EXPRESSIONS
    assert tuple(texts.au) == tuple(f"AU{number:02d}" for number in FACS)
    assert {name: texts.au[name].text for name in SHIPPED} == SHIPPED
    assert all(3 <= len(label.descriptions) <= 5 for label in texts.au.values())
    assert all(len(label.descriptions) >= 4 for label in texts.expression.values())
    assert all(label.facs for label in texts.au.values())
    assert set(texts.templates.description) > PAPERS_TEMPLATES
    assert len(texts.templates.description) >= 8
    assert texts.templates.name == "a photo of a person with {}"


def test_every_action_unit_of_a_dataset_or_the_teacher_has_its_words(texts: LabelTexts) -> None:
    import training.datasets

    named = {*BP4D, *DISFA, *TEACHER_AUS}
    for module in pkgutil.iter_modules(training.datasets.__path__):
        numbers = getattr(importlib.import_module(f"training.datasets.{module.name}"), "AUS", ())
        named |= {f"AU{number:02d}" if isinstance(number, int) else number for number in numbers}
    assert list(texts.chosen(sorted(named), EXPRESSIONS).au) == sorted(named)


def test_texts_are_noun_phrases_and_descriptions_are_clauses(texts: LabelTexts) -> None:
    verb = re.compile(
        r"\b(is|are|stay|isn't|has|have|slant|slants|stands?|lies?|lie|runs?|rises?|shows?|tells|looks|lifts?|bares|widens|"
        r"laughs|curve|sneers|scowls|frowns|stares|squints|smiles|deepens?|bulges?|dimples?|dimple|presses|points?|aim|"
        r"flare|gapes|hangs?|squeeze|blinks|meet|surround|drops|fly|shrinks|push|narrow|bends)\b"
    )
    for name, label in {**texts.au, **texts.expression}.items():
        assert not re.match(r"(the|is|are|has|with) ", label.text), name
        assert not verb.search(label.text), name
        for words in label.descriptions:
            assert re.match(r"(the|a|an|one|all|both|only|nothing|small|deep|wrinkles|lines|crow's) ", words), words
            assert verb.search(words), words
            assert not words.endswith("."), words
            assert len(words.split()) <= 30, words  # CLIP reads 77 tokens, the template's among them


@pytest.mark.parametrize(("name", "side"), [("AU12_L", "left"), ("AU12_R", "right"), ("AU45_L", "left")])
def test_an_action_unit_of_one_side_is_made_from_the_whole_ones(texts: LabelTexts, name: str, side: str) -> None:
    whole, half = texts.au[name[:4]], texts.chosen([name], []).au[name]
    assert half.text == f"{whole.text} on the {side} side of the face"
    assert half.descriptions == tuple(f"{words}, on the {side} side of the face" for words in whole.descriptions)


def test_chosen_texts_live_through_json_as_a_checkpoint_keeps_them(texts: LabelTexts) -> None:
    chosen = texts.chosen(["AU12_R", "AU12_L", "AU04"], ["sadness", "neutral"])
    assert list(chosen.group("au")) == ["AU12_R", "AU12_L", "AU04"]
    assert list(chosen.group("expression")) == ["sadness", "neutral"]
    assert LabelTexts.model_validate_json(chosen.model_dump_json()) == chosen
    for missing in (["AU99"], ["AU99_L"], ["AU12_X"]):
        with pytest.raises(ConfigError, match=missing[0]):
            texts.chosen(missing, [])
    with pytest.raises(ConfigError, match="pride"):
        texts.chosen([], ["pride"])
    with pytest.raises(ConfigError, match="AU99_L"):
        texts.action_unit("AU99_L")


def test_sentences_are_templates_with_a_labels_words() -> None:
    label = LabelText(text="a smile", descriptions=("the mouth curves", "the cheeks lift"))
    small = LabelTexts(
        templates=Templates(name="seen: {}", description=("a face: {}", "{}!")),
        intensity=tuple(f"{{}} at {level}" for level in range(INTENSITIES)),
        expression={},
        au={"AU12": label},
    )
    assert name_prompt(label, small) == "seen: a smile"
    assert described_sentences(label, small) == (
        "a face: the mouth curves",
        "the mouth curves!",
        "a face: the cheeks lift",
        "the cheeks lift!",
    )
    assert intensity_prompts(label, small) == tuple(f"a smile at {level}" for level in range(6))
    with pytest.raises(ConfigError, match="intensity"):
        intensity_prompts(label, small.model_copy(update={"intensity": ()}))


def test_an_expression_is_composed_of_the_action_units_that_a_model_knows(texts: LabelTexts) -> None:
    assert compose_expression("happiness", BP4D, texts) == (
        "a photo of a person with raised cheeks and lip corners pulled up"
    )
    assert compose_expression("surprise", DISFA, texts) == (
        "a photo of a person with raised inner brows, raised outer brows, raised upper eyelids and a dropped jaw"
    )
    assert compose_expression("anger", ["AU04_L", "AU12"], texts) == "a photo of a person with lowered brows"
    assert compose_expression("contempt", ["AU12"], texts).endswith("pulled up on one side of the face")
    assert compose_expression("neutral", BP4D, texts) == "a photo of a person with no movement of the face"
    with pytest.raises(ConfigError, match="AU06, AU12; the model was trained on none"):
        compose_expression("happiness", ["AU04"], texts)
    with pytest.raises(ConfigError, match="No Action Units for pride"):
        compose_expression("pride", BP4D, texts)


@pytest.mark.parametrize("aus", [BP4D, DISFA, TEACHER_AUS], ids=["bp4d", "disfa", "teacher"])
def test_composed_expressions_differ_from_each_other(texts: LabelTexts, aus: list[str]) -> None:
    assert set(texts.emfacs) == set(EXPRESSIONS)
    composed = {compose_expression(name, aus, texts) for name in EXPRESSIONS}
    assert len(composed) == len(EXPRESSIONS)
    assert not any(texts.expression[name].text in sentence for name in EXPRESSIONS for sentence in composed)


# The sentence encoder's view


@pytest.fixture(scope="module")
def encode() -> Callable[[list[str]], torch.Tensor]:
    from training.towers import make_tower

    return make_tower("minilm").encode


def test_descriptions_lie_nearer_to_their_own_name(
    texts: LabelTexts, encode: Callable[[list[str]], torch.Tensor]
) -> None:
    for group, least in (("au", 0.93), ("expression", 0.78)):
        labels = list(texts.group(group).values())
        names = encode([name_prompt(label, texts) for label in labels])
        owners = torch.tensor([row for row, label in enumerate(labels) for _ in label.descriptions])
        near = encode([words for label in labels for words in label.descriptions]) @ names.T
        nearer = (near > near.gather(1, owners[:, None])).sum(dim=1) / (len(labels) - 1)
        assert 1 - float(nearer.mean()) > least  # of own against another at random


def test_no_other_names_are_nearly_the_same(texts: LabelTexts, encode: Callable[[list[str]], torch.Tensor]) -> None:
    labels = {**texts.au, **texts.expression}
    names = encode([name_prompt(label, texts) for label in labels.values()])
    near = {
        (a, b)
        for (row, a), (column, b) in combinations(enumerate(labels), 2)
        if float(names[row] @ names[column]) > 0.95
    }
    assert near == {("AU01", "AU02"), ("AU12", "AU15")}  # these keep their words for the bundle's sake


def test_levels_further_apart_read_less_alike(texts: LabelTexts, encode: Callable[[list[str]], torch.Tensor]) -> None:
    prompts = [intensity_prompts(texts.au[name], texts) for name in BP4D]
    table = encode([prompt for levels in prompts for prompt in levels]).view(len(prompts), INTENSITIES, -1)
    alike = (table @ table.transpose(1, 2)).mean(dim=0)
    assert (alike[0].diff() < 0).all()
    for level in range(1, INTENSITIES - 1):
        assert (alike[level, level + 1 :].diff() < 0).all()


# Activities


@pytest.mark.parametrize(
    ("dataset", "keys"),
    [
        ("ferplus", list(EXPRESSIONS)),
        ("real_faces", list(EXPRESSIONS)),
        ("bp4d", [f"T{task}" for task in range(1, 9)]),
        ("bp4d_plus", [f"T{task}" for task in range(1, 11)]),
    ],
)
def test_a_datasets_activities_are_sentences(dataset: str, keys: list[str]) -> None:
    known = load_activities(dataset)
    assert list(known) == keys
    assert all(re.fullmatch(r"[A-Z][^.]+\.( The target emotion is [^.]+\.)?", sentence) for sentence in known.values())
    assert activity_sentence(keys[2], known) == known[keys[2]]
    with pytest.raises(ConfigError, match=r"no activity 'T99'.*Use .*" + keys[1]):
        activity_sentence("T99", known)


def test_the_papers_activity_is_word_for_word() -> None:
    assert load_activities("bp4d")["T1"] == (
        "Talk to the experimenter and listen to a joke. The target emotion is happiness or amusement."
    )


def test_every_file_of_activities_can_be_read() -> None:
    files = sorted((FOLDER / "activities").glob("*.yaml"))
    assert {file.stem for file in files} >= {"ferplus", "real_faces", "bp4d", "bp4d_plus"}
    for file in files:
        assert load_activities(file) == load_activities(file.stem)


@pytest.mark.parametrize("dataset", ["footage", "", "../labels", "/etc/hosts"])
def test_a_dataset_without_a_file_has_its_sentences_in_the_manifest(dataset: str) -> None:
    known = load_activities(dataset)
    assert known == {}
    assert activity_sentence("Eat a lemon.", known) == "Eat a lemon."


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("a: Eat a lemon.\nb: ''\n", r"own\.yaml: b: "),
        ("a: Eat a lemon.\nb:\n", r"own\.yaml: b: "),
        ("a: Eat a lemon.\n3: Drink.\n", r"own\.yaml: 3\.\[key\]: "),
        ("a: Eat a lemon.\na: Drink.\n", r"own\.yaml can't be read: the key 'a' stands there twice.*line 1"),
        ("a: Eat a lemon.\nb: eat a  lemon\n", r"own\.yaml: a and b have the same sentence"),
        ("a: Eat {} lemon.\n", r"own\.yaml: a: it must be one line without braces"),
        ("- Eat a lemon.\n", r"own\.yaml: "),
        ("", r"own\.yaml: "),
        ("{}", r"own\.yaml: "),
        ("a: [", r"own\.yaml can't be read"),
    ],
)
def test_a_fault_in_a_users_activities_names_file_and_key(tmp_path: Path, written: str, said: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(written)
    with pytest.raises(ConfigError, match=said) as caught:
        load_activities(path)
    assert "\n" not in str(caught.value)


def test_a_users_activities_are_read_from_their_path(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("lemon: ' Eat a lemon. '\n")
    assert load_activities(path) == {"lemon": "Eat a lemon."}
    with pytest.raises(ConfigError, match=r"none\.yaml can't be read"):
        load_activities(tmp_path / "none.yaml")
    path.write_bytes(b"a: \xff\xfe")
    with pytest.raises(ConfigError, match=r"own\.yaml can't be read"):
        load_activities(path)


# Faults in the labels' file


def put(*place: str | int, value: object) -> Callable[[Any], None]:
    """Sets one value of the file."""

    def change(raw: Any) -> None:
        for part in place[:-1]:
            raw = raw[part]
        raw[place[-1]] = value

    return change


SMILE = "the corners of the mouth are drawn up and outwards, as in a smile"
FAULTS: list[tuple[Callable[[Any], None], str]] = [
    (put("templates", "name", value="a photo"), r"templates\.name: it must have \{\} once"),
    (put("templates", "description", 1, value="{} and {}"), r"templates\.description\.1: it must have \{\} once"),
    (put("templates", "description", 1, value="{x} and {}"), r"templates\.description\.1: it must have \{\} once"),
    (put("templates", "description", value=[]), r"templates\.description: "),
    (put("templates", "description", value=["a {}", "A  {}"]), r"templates\.description: 'a \{\}' stands there twice"),
    (put("intensity", 3, value="strong"), r"intensity\.3: it must have \{\} once"),
    (put("intensity", value=["{} a", "{} b"]), r"intensity: it must have 6 templates, and has 2"),
    (put("intensity", value=["{} a"] * 6), r"intensity: '\{\} a' stands there twice"),
    (put("au", "AU12", "text", value="  "), r"au\.AU12\.text: "),
    (put("au", "AU12", "text", value=4), r"au\.AU12\.text: "),
    (put("au", "AU12", "text", value="a {} smile"), r"au\.AU12\.text: it must be one line without braces"),
    (put("au", "AU12", "descriptions", value=[]), r"au\.AU12\.descriptions: "),
    (put("au", "AU12", "descriptions", value="a smile"), r"au\.AU12\.descriptions: "),
    (put("au", "AU12", "descriptions", 1, value=SMILE.upper()), r"au\.AU12\.descriptions: .* stands there twice"),
    (put("au", "AU15", "descriptions", 0, value=SMILE), r"au\.AU15: .* is a text of au\.AU12 too"),
    (put("au", "AU15", "text", value="happiness"), r"au\.AU15: 'happiness' is a text of expression\.happiness too"),
    (put("au", "AU12", "txt", value="a smile"), r"au\.AU12\.txt: "),
    (put("au", "AU1", value={"text": "x", "descriptions": ["y"]}), r"au\.AU1\."),
    (put("emfacs", "pride", value=["AU12"]), r"emfacs\.pride: there is no such expression"),
    (put("emfacs", "anger", value=["AU04", "AU99"]), r"emfacs\.anger: AU99 has no text under au"),
    (lambda raw: raw.pop("templates"), r"templates: "),
    (lambda raw: raw["au"]["AU12"].pop("text"), r"au\.AU12\.text: "),
]


@pytest.mark.parametrize(("change", "said"), FAULTS)
def test_a_fault_in_the_labels_names_file_and_key(tmp_path: Path, change: Callable[[Any], None], said: str) -> None:
    raw = yaml.safe_load((FOLDER / "labels.yaml").read_text(encoding="utf-8"))
    change(raw)
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(raw))
    with pytest.raises(ConfigError, match=r"mine\.yaml: " + said) as caught:
        load_labels(path)
    assert "\n" not in str(caught.value)


def test_a_label_that_stands_twice_is_no_silent_loss(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        (FOLDER / "labels.yaml").read_text() + "  AU12:\n    text: a smile\n    descriptions: [she smiles]\n"
    )
    with pytest.raises(ConfigError, match="the key 'AU12' stands there twice"):
        load_labels(path)
    path.write_text("[")
    with pytest.raises(ConfigError, match="can't be read"):
        load_labels(path)


def test_more_faults_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("templates: {name: '{}', description: ['{}']}\nexpression: {}\nau: {AU01: {}, AU02: {}}\n")
    with pytest.raises(ConfigError, match=r"au\.AU01\.text: .*\(3 more\)"):
        load_labels(path)


words = st.text(alphabet="abc {}\n.", max_size=12)


@given(words)
def test_a_template_is_one_that_format_fills_once(template: str) -> None:
    stripped = template.strip()
    try:
        found = Templates(name=template, description=("{}",))
    except ValidationError:
        assert stripped.count("{}") != 1 or len(re.findall("[{}]", stripped)) != 2
    else:
        assert found.name == stripped
        assert found.name.format("|").split("|") == stripped.split("{}")


@given(st.lists(words, max_size=3), words)
def test_words_are_kept_or_refused_never_changed(descriptions: list[str], text: str) -> None:
    try:
        found = LabelText(text=text, descriptions=tuple(descriptions))
    except ValidationError:
        assert not descriptions or any(not x.strip() or re.search(r"[{}\n]", x.strip()) for x in (text, *descriptions))
    else:
        assert found.descriptions == tuple(x.strip() for x in descriptions)
        assert f"{{}} {found.text}".format(found.text) == f"{text.strip()} {text.strip()}"
