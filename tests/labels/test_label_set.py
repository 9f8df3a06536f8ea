"""Labels come and go, and every other score stays as it is, to the bit: with a real encoder, at any batch size."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from clef_rt.bundle import Bundle, load_bundle
from clef_rt.bundle.label_spec import Against
from clef_rt.bundle.spec import ExclusiveGroup, Groups, IndependentGroup, Label
from clef_rt.bundle.write import pack
from clef_rt.encode import load_encoder
from clef_rt.errors import BundleError, ConfigError
from clef_rt.labels import LabelBank, ScoreArrays
from clef_rt.labels.label_file import NewLabel
from clef_rt.labels.label_set import add_labels, likenesses, remove_labels, write_labels
from clef_rt.text import FrozenText
from tests.rigs.bundles import SIZE, make_bundle
from tests.rigs.texts import SpellingTower, make_text_bundle

GRIN = NewLabel(prompts=["a wide grin"])
SHUT = NewLabel(text="eyes shut", prompts=["closed eyes", "shut lids"], against=["open eyes"], threshold=0.6)
MANY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
BATCHES = (1, 2, 3, 5, 8, 17)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle without zero-shot labels. Of 256 dimensions, as edge has: in few, no sum's order shows."""
    return make_text_bundle(tmp_path_factory.mktemp("plain") / "b", dim=256)


@pytest.fixture(scope="module")
def encoder(plain: Bundle) -> FrozenText:
    return FrozenText(plain, SpellingTower())


@pytest.fixture(scope="module")
def embedded(plain: Bundle) -> list[NDArray[np.float32]]:
    """What onnxruntime makes of real batches of several sizes."""
    engine = load_encoder(plain, "cpu")
    rng = np.random.default_rng(0)
    return [engine.encode(rng.integers(0, 256, (n, SIZE, SIZE, 1), np.uint8)) for n in BATCHES]


def scored(bundle: Bundle, batches: list[NDArray[np.float32]]) -> list[ScoreArrays]:
    bank = LabelBank.from_bundle(bundle)
    return [bank.score(batch) for batch in batches]


def assert_same(before: list[ScoreArrays], after: list[ScoreArrays], old: list[int], new: list[int]) -> None:
    """Trained scores are the same, and so are the zero-shot ones at these positions."""
    for one, other in zip(before, after, strict=True):
        assert np.array_equal(one.au, other.au)
        assert np.array_equal(one.expression, other.expression)
        assert np.array_equal(one.zero_shot[:, old], other.zero_shot[:, new])


def names_of(bundle: Bundle) -> list[str]:
    return [label.name for label in bundle.spec.groups.zero_shot.labels] if bundle.spec.groups.zero_shot else []


def phrases(letters: str) -> st.SearchStrategy[list[str]]:
    words = st.text(f"{letters} ", min_size=1, max_size=8).filter(str.strip)
    return st.lists(words, min_size=1, max_size=4, unique_by=str.strip)


# Other letters against, so that none means its own opposite.
labels = st.builds(
    NewLabel, prompts=phrases("abcde"), against=st.none() | phrases("vwxyz"), bias=st.none() | st.floats(-5, 5)
)
new_labels = st.dictionaries(st.sampled_from([f"z{i}" for i in range(12)]), labels, min_size=1, max_size=9)


@given(first=new_labels, second=new_labels, data=st.data())
@MANY
def test_every_other_score_stays_as_it_is(
    plain: Bundle,
    encoder: FrozenText,
    embedded: list[NDArray[np.float32]],
    tmp_path_factory: pytest.TempPathFactory,
    first: dict[str, NewLabel],
    second: dict[str, NewLabel],
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("labels")
    one = write_labels(add_labels(plain, first, encoder), folder / "one")
    two = write_labels(add_labels(one, second, encoder, replace=True), folder / "two")
    # Added
    start, after_one, after_two = (scored(bundle, embedded) for bundle in (plain, one, two))
    assert_same(start, after_one, [], [])
    kept = [name for name in names_of(one) if name not in second]
    assert_same(after_one, after_two, [names_of(one).index(n) for n in kept], [names_of(two).index(n) for n in kept])
    # Removed, some of them
    gone = data.draw(st.lists(st.sampled_from(names_of(two)), min_size=1, unique=True))
    three = write_labels(remove_labels(two, gone), folder / "three")
    left = [name for name in names_of(two) if name not in gone]
    assert names_of(three) == left
    assert_same(after_two, scored(three, embedded), [names_of(two).index(n) for n in left], list(range(len(left))))
    # Removed, all of them
    if left:
        three = write_labels(remove_labels(three, left), folder / "four")
    assert three.sha256 == plain.sha256
    assert {name: three.read(name) for name in three.spec.files} == {
        name: plain.read(name) for name in plain.spec.files
    }


def test_what_is_added_is_what_the_words_say(plain: Bundle, encoder: FrozenText, tmp_path: Path) -> None:
    made = write_labels(add_labels(plain, {"grin": GRIN, "shut": SHUT}, encoder), tmp_path / "b")
    grin, shut = made.spec.groups.zero_shot.labels if made.spec.groups.zero_shot else ()
    assert grin.prompts == ("a photo of a person with a wide grin",)
    assert (shut.text, shut.threshold, shut.bias) == ("eyes shut", 0.6, 0.0)
    assert shut.against is not None
    assert shut.against.prompts == ("a photo of a person with open eyes",)
    assert np.array_equal(made.embeddings[list(grin.rows)], encoder.embed(grin.prompts))
    assert np.array_equal(made.embeddings[list(shut.all_rows)], encoder.embed([*shut.prompts, *shut.against.prompts]))
    # As an Action Unit of no particular frequency
    assert grin.bias == pytest.approx(-0.75)
    assert made.spec.groups.zero_shot is not None
    assert made.spec.groups.zero_shot.logit_scale == made.spec.groups.au.logit_scale
    assert made.sha256 != plain.sha256
    assert LabelBank.from_bundle(made).labels_hash != LabelBank.from_bundle(plain).labels_hash
    assert "| `shut` | eyes shut |" in made.card()


def test_a_score_against_something_is_the_softmax_over_both(
    plain: Bundle, encoder: FrozenText, embedded: list[NDArray[np.float32]], tmp_path: Path
) -> None:
    made = write_labels(add_labels(plain, {"shut": SHUT}, encoder), tmp_path / "b")
    sentences = [f"a photo of a person with {words}" for words in ("closed eyes", "shut lids", "open eyes")]
    closed, lids, opened = encoder.embed(sentences).astype(np.float64)
    positive = (closed + lids) / np.linalg.norm(closed + lids)
    scale = made.spec.groups.au.logit_scale
    for face, score in zip(embedded[-1], scored(made, embedded)[-1].zero_shot[:, 0], strict=True):
        for_it, against = math.exp(scale * float(face @ positive)), math.exp(scale * float(face @ opened))
        assert score == pytest.approx(for_it / (for_it + against), abs=1e-5)


def test_an_ensemble_is_between_its_prompts(plain: Bundle, encoder: FrozenText, tmp_path: Path) -> None:
    alone = {f"z{i}": NewLabel(prompts=[words]) for i, words in enumerate(["closed eyes", "shut lids"])}
    made = write_labels(
        add_labels(plain, {**alone, "both": NewLabel(prompts=["closed eyes", "shut lids"])}, encoder), tmp_path / "b"
    )
    found = {own.name: dict(own.nearest) for own in likenesses(made, ["both"], count=99)}["both"]
    assert found["z0"] == pytest.approx(found["z1"])
    assert found["z0"] > max(cosine for name, cosine in found.items() if not name.startswith("z"))


def test_a_label_that_is_replaced_keeps_its_place(plain: Bundle, encoder: FrozenText, tmp_path: Path) -> None:
    made = write_labels(add_labels(plain, {"a": GRIN, "b": SHUT, "c": GRIN}, encoder), tmp_path / "b")
    with pytest.raises(ConfigError, match="b: there is such a label already"):
        add_labels(made, {"b": GRIN}, encoder)
    again = write_labels(add_labels(made, {"b": GRIN, "d": SHUT}, encoder, replace=True), tmp_path / "b")
    assert names_of(again) == ["a", "b", "c", "d"]
    assert len(again.embeddings) == len(made.embeddings) - 3 + 1 + 3


def test_labels_that_a_bundle_had_keep_their_scale_and_rows(tmp_path: Path) -> None:
    """Rows in any order, shared by labels, and one that nobody uses."""

    def label(name: str, *rows: int) -> Label:
        return Label(name=name, text=name, prompts=("x",) * len(rows), rows=rows)

    groups = Groups(
        au=IndependentGroup(logit_scale=12.5, labels=(label("AU01", 9, 2),)),
        expression=ExclusiveGroup(logit_scale=20, labels=(label("neutral", 5),)),
        zero_shot=IndependentGroup(logit_scale=3, labels=(label("old", 0, 2), label("other", 1), label("third", 1, 7))),
    )
    bundle = make_text_bundle(tmp_path / "b", groups=groups)
    encoder = FrozenText(bundle, SpellingTower())
    less = write_labels(remove_labels(bundle, ["old", "third"]), tmp_path / "less")
    assert less.spec.groups.au.labels[0].rows == (7, 1)  # rows 0 and 7 are gone; row 1 is another's as well
    assert len(less.embeddings) == 9
    more = write_labels(add_labels(less, {"grin": GRIN}, encoder), tmp_path / "more")
    assert more.spec.groups.zero_shot is not None
    assert more.spec.groups.zero_shot.logit_scale == 3
    batches = [bundle.embeddings[:4]]
    assert_same(scored(bundle, batches), scored(more, batches), [1], [0])


def test_names_that_are_taken_or_not_there_are_told(tmp_path: Path, plain: Bundle, encoder: FrozenText) -> None:
    with pytest.raises(ConfigError, match="happiness: a trained label has this name"):
        add_labels(plain, {"happiness": GRIN}, encoder, replace=True)
    with pytest.raises(ConfigError, match=r"There is no label nosuch\. Added by text: none"):
        remove_labels(plain, ["nosuch"])
    with pytest.raises(ConfigError, match="AU01, sadness can't be removed"):
        remove_labels(plain, ["sadness", "AU01"])
    with pytest.raises(BundleError, match="can't embed texts"):
        add_labels(make_bundle(tmp_path / "old"), {"grin": GRIN}, encoder)


def test_labels_can_be_removed_from_a_bundle_without_a_text_side(tmp_path: Path) -> None:
    old = make_bundle(tmp_path / "b")
    assert names_of(write_labels(remove_labels(old, ["wink"]), tmp_path / "c")) == []


def test_what_means_its_opposite_is_refused(plain: Bundle, encoder: FrozenText) -> None:
    with pytest.raises(BundleError, match="Label grin means what it's scored against"):
        add_labels(plain, {"grin": NewLabel(prompts=["a grin"], against=["a grin"])}, encoder)


def test_a_label_that_copies_or_knows_nothing_is_told(plain: Bundle, encoder: FrozenText, tmp_path: Path) -> None:
    first = write_labels(add_labels(plain, {"grin": GRIN}, encoder), tmp_path / "one")
    both = write_labels(add_labels(first, {"same": GRIN}, encoder), tmp_path / "two")
    [same] = likenesses(both, ["same"])
    assert same.nearest[0] == ("grin", pytest.approx(1))
    assert same.warning.startswith("same will score nearly as grin does")
    [grin] = likenesses(first, ["grin"])
    assert grin.learnt[1] < 0.55  # of random prompts
    assert "grin is far from all that was learnt" in grin.warning


def test_what_no_bundle_may_say_of_against_is_refused() -> None:
    against = Against(prompts=("open eyes",), rows=(1,))
    label = Label(name="shut", text="shut", prompts=("closed eyes",), rows=(0,), against=against)
    assert label.all_rows == (0, 1)
    with pytest.raises(ValidationError, match="stand against each other already"):
        ExclusiveGroup(logit_scale=1, labels=(label,))
    with pytest.raises(ValidationError, match=r"1 prompt\(s\) and 2 row\(s\)"):
        Against(prompts=("open eyes",), rows=(1, 2))


def test_an_archive_is_written_too(plain: Bundle, encoder: FrozenText, tmp_path: Path) -> None:
    archive = pack(plain.path, tmp_path / "b.clef")
    made = write_labels(add_labels(load_bundle(archive), {"grin": GRIN}, encoder), archive)
    assert made.path == archive
    assert names_of(load_bundle(archive)) == ["grin"]
    assert [path.name for path in tmp_path.iterdir()] == ["b.clef"]
