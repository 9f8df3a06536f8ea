"""Labels of a user's own, as they are written: what is right, and the line of what isn't."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clef_rt.errors import ConfigError
from clef_rt.labels.label_file import new_label, read_labels

TEMPLATE = "a photo of a person with {}"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "labels.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_text_alone_goes_into_the_template(tmp_path: Path) -> None:
    [(name, label)] = read_labels(written(tmp_path, "broad_smile: {text: a broad smile}\n")).items()
    assert name == "broad_smile"
    assert label.sentences(TEMPLATE) == ("a photo of a person with a broad smile",)
    assert label.against_sentences(TEMPLATE) == ()
    assert (label.meaning, label.threshold, label.bias) == ("a broad smile", 0.5, None)


def test_prompts_times_templates_are_what_is_embedded(tmp_path: Path) -> None:
    text = """
shut:
  text: eyes shut
  prompts: [closed eyes, shut lids]
  against: [open eyes]
  templates: ["{}", "a face with {}"]
  threshold: 0.6
  bias: -1
"""
    label = read_labels(written(tmp_path, text))["shut"]
    assert label.meaning == "eyes shut"
    assert label.sentences(TEMPLATE) == (
        "closed eyes", "a face with closed eyes", "shut lids", "a face with shut lids",
    )  # fmt: skip
    assert label.against_sentences(TEMPLATE) == ("open eyes", "a face with open eyes")
    assert (label.threshold, label.bias) == (0.6, -1.0)


MISTAKES = [
    ("a: {text: x}\nb: {}\n", 2, "b: needs `text` or `prompts`"),
    ("a:\n  promts: [x]\n", 2, "a.promts: is no setting. Did you mean prompts?"),
    ("a:\n  text: x\n  threshold: 2\n", 3, "a.threshold: should be less than or equal to 1"),
    ("a:\n  text: x\n  threshold: high\n", 3, "a.threshold: should be a valid number"),
    ("a:\n  text: x\n  bias: .nan\n", 3, "a.bias: should be a finite number"),
    ("a: {text: x}\nAU12: {text: y}\n", 2, "is an Action Unit's"),
    ("a: {text: x}\n2b: {text: y}\n", 2, "1 to 64 letters, digits and underscores"),
    ("a b: {text: x}\n", 1, "1 to 64 letters"),
    (f"{'a' * 65}: {{text: x}}\n", 1, "1 to 64 letters"),
    ("a: a broad smile\n", 1, "a: should be `text:` or `prompts:`, indented below"),
    ("a:\n  prompts: []\n", 2, "a.prompts: must not be empty"),
    ("a:\n  prompts:\n    - x\n    - ' '\n", 4, "a.prompts[1]: must not be empty"),
    ("a:\n  text: 'a {} smile'\n", 2, "a.text: must be one line without braces"),
    ('a:\n  text: "a\\nb"\n', 2, "a.text: must be one line without braces"),
    ("a:\n  text: yes\n", 2, "put it in quotes"),
    ("a:\n  text: x\n  templates: [no place]\n", 3, "a.templates[0]: must be one line that has {} once"),
    ("a:\n  prompts: [x, y, x]\n", 1, "a: prompts has 'x' twice"),
    ("a: {text: x}\na: {text: y}\n", 2, "'a' stands here twice"),
    ("- a\n", 1, "these aren't labels"),
    ("", 1, "must not be empty"),
]


@pytest.mark.parametrize(("text", "line", "what"), MISTAKES)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, line: int, what: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_labels(path)
    assert str(caught.value).startswith(f"{path}{f':{line}' if text else ''}: " if text else str(path))
    assert what in str(caught.value)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "a: {}\nb: {text: x, threshold: 3}\n")
    with pytest.raises(ConfigError, match=rf"{path}:1: a: needs .*; {path}:2: b\.threshold: should be less"):
        read_labels(path)


def test_more_prompts_than_a_label_may_have_are_refused(tmp_path: Path) -> None:
    many = [f"smile {i}" for i in range(200)]
    text = yaml.safe_dump({"a": {"prompts": many, "templates": ["{}", "a {}"]}})
    with pytest.raises(ConfigError, match="prompts times templates are more than 256"):
        read_labels(written(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"There is no .*nosuch\.yaml\. See docs/labels\.md"):
        read_labels(tmp_path / "nosuch.yaml")


def test_options_of_the_command_line_are_checked_alike() -> None:
    assert new_label("grin", {"prompts": ["a wide grin"]})["grin"].meaning == "a wide grin"
    for name, given_, what in [
        ("AU99", {"prompts": ["x"]}, "is an Action Unit's"),
        ("grin", {}, r"grin: needs `text` or `prompts`"),
        ("grin", {"prompts": ["x"], "threshold": -1.0}, r"^--threshold: should be greater"),
        ("grin", {"prompts": ["a", "b{}"]}, r"^--prompt: must be one line without braces"),
        ("grin", {"prompts": ["a"], "against": ["\udcff"]}, r"^--against: should be a valid string"),
    ]:
        with pytest.raises(ConfigError, match=what):
            new_label(name, given_)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(["text", "prompts", "against", "templates", "threshold", "bias", "x"])


@given(st.dictionaries(st.text(max_size=6) | st.just("grin"), values | st.dictionaries(fields, values), max_size=3))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_is_read_or_refused(tmp_path: Path, data: object) -> None:
    with contextlib.suppress(ConfigError):  # any other exception is a failure
        found = read_labels(written(tmp_path, yaml.safe_dump(data, allow_unicode=True)))
        assert all(label.sentences(TEMPLATE) for label in found.values())
