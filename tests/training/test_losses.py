"""The losses against slow, obvious references, and against cases done by hand."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

from training.losses import (
    asymmetric,
    au_names,
    description_names,
    expression_names,
    image_activity,
    image_image,
    intensity_levels,
    present_names,
)

NAN = float("nan")


def unit(rows: int, dim: int = 6, seed: int = 0) -> Tensor:
    return normalize(torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64), dim=1)


def slow_image_image(z: Tensor, activities: list[int], tau: float) -> float:
    terms = []
    for i in range(len(z)):
        positives = [p for p in range(len(z)) if p != i and activities[p] == activities[i]]
        if not positives:
            continue
        below = sum(math.exp(float(z[i] @ z[q]) / tau) for q in range(len(z)) if q != i)
        terms.append(-sum(math.log(math.exp(float(z[i] @ z[p]) / tau) / below) for p in positives) / len(positives))
    return sum(terms) / len(terms) if terms else 0.0


def slow_image_activity(z: Tensor, t: Tensor, activities: list[int], tau: float) -> float:
    def similar(i: int, k: int) -> float:
        return math.exp(float(z[i] @ t[k]) / tau)

    to_text = [-math.log(similar(i, a) / sum(similar(i, k) for k in range(len(t)))) for i, a in enumerate(activities)]
    to_image = []
    for k in range(len(t)):
        mine = [i for i, a in enumerate(activities) if a == k]
        if mine:
            below = sum(similar(j, k) for j in range(len(z)))
            to_image.append(-sum(math.log(similar(i, k) / below) for i in mine) / len(mine))
    return (sum(to_text) / len(to_text) + sum(to_image) / len(to_image)) / 2


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=2, max_size=9), st.floats(0.05, 1.0), st.integers(0, 99))
def test_stage1_losses_equal_their_references(activities: list[int], tau: float, seed: int) -> None:
    z, t = unit(len(activities), seed=seed), unit(4, seed=seed + 1)
    labels = torch.tensor(activities)
    assert float(image_image(z, labels, tau)) == pytest.approx(slow_image_image(z, activities, tau), rel=1e-5, abs=1e-6)
    slow = slow_image_activity(z, t, activities, tau)
    assert float(image_activity(z, t, labels, tau)) == pytest.approx(slow, rel=1e-5, abs=1e-6)


def test_two_pairs_by_hand() -> None:
    # Two activities, two equal embeddings each, at right angles: each has one positive of similarity 1 and two
    # negatives of similarity 0, so the loss is −log(e / (e + 2)) at τ = 1.
    z = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    loss = image_image(z, torch.tensor([0, 0, 1, 1]), 1.0)
    assert float(loss) == pytest.approx(-math.log(math.e / (math.e + 2)))


def test_a_face_of_the_same_activity_is_no_negative() -> None:
    """The very point of CLEF: pulling other subjects of the activity near lowers the loss."""
    apart = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1], [-1, 0]])
    near = torch.tensor([[1.0, 0], [1, 0], [1, 0], [1, 0], [-1, 0]])
    one_activity = torch.tensor([0, 0, 0, 0, 1])
    assert image_image(near, one_activity, 0.2) < image_image(apart, one_activity, 0.2)


def test_no_positive_at_all_gives_zero_and_a_gradient() -> None:
    z = unit(3).requires_grad_()
    loss = image_image(z, torch.tensor([0, 1, 2]), 0.1)
    loss.backward()
    assert float(loss.detach()) == 0
    assert z.grad is not None
    assert torch.isfinite(z.grad).all()


def test_an_absent_activity_counts_as_a_negative_only() -> None:
    z, t = unit(3), unit(3, seed=1)
    with_absent = image_activity(z, t, torch.tensor([0, 1, 1]), 0.5)
    assert float(with_absent) == pytest.approx(slow_image_activity(z, t, [0, 1, 1], 0.5), rel=1e-5)
    assert with_absent > image_activity(z, t[:2], torch.tensor([0, 1, 1]), 0.5)


def test_expression_names_by_hand() -> None:
    names = torch.eye(2)
    images = torch.tensor([[1.0, 0]])
    loss = expression_names(images, names, torch.tensor([[0.75, 0.25]]), 2.0)
    likely = math.exp(2) / (math.exp(2) + 1)
    assert float(loss) == pytest.approx(-0.75 * math.log(likely) - 0.25 * math.log(1 - likely))


def test_unknown_rows_count_for_nothing() -> None:
    images, names = unit(3).float(), unit(2, seed=1).float()
    votes = torch.tensor([[1.0, 0], [NAN, NAN], [0.5, 0.5]])
    assert expression_names(images, names, votes, 3.0) == expression_names(images[[0, 2]], names, votes[[0, 2]], 3.0)
    aus = torch.tensor([[1.0, NAN], [NAN, NAN], [0.2, 0.0]])
    loss = au_names(images, names, torch.tensor([-1.0, 0.5]), aus, 3.0)
    terms = []
    for i, c in ((0, 0), (2, 0), (2, 1)):
        p = 1 / (1 + math.exp(-(3.0 * float(images[i] @ names[c]) + [-1.0, 0.5][c])))
        y = float(aus[i, c])
        terms.append(-y * math.log(p) - (1 - y) * math.log(1 - p))
    assert float(loss) == pytest.approx(sum(terms) / 3, rel=1e-5)


def test_nothing_known_gives_zero_and_no_nan_gradient() -> None:
    images = unit(2).float().requires_grad_()
    names = unit(2, seed=1).float()
    nothing = torch.full((2, 2), NAN)
    loss = expression_names(images, names, nothing, 3.0) + au_names(images, names, torch.zeros(2), nothing, 3.0)
    loss.backward()
    assert float(loss.detach()) == 0
    assert images.grad is not None
    assert torch.isfinite(images.grad).all()


def test_description_names_are_best_where_each_meets_its_own() -> None:
    names = torch.eye(4)
    own = description_names(names, names, 0.1)
    crossed = description_names(names.roll(1, dims=0), names, 0.1)
    assert float(own) == pytest.approx(-math.log(math.exp(10) / (math.exp(10) + 3)), rel=1e-2)
    assert crossed > own


def slow_present_names(z: Tensor, n: Tensor, present: Tensor, scale: float) -> float:
    terms = []
    for i in range(len(z)):
        known = [c for c in range(len(n)) if not math.isnan(float(present[i, c]))]
        positive = {c: float(present[i, c]) for c in known if present[i, c] >= 0.5}
        if not positive:
            continue
        below = sum(math.exp(scale * float(z[i] @ n[k])) for k in known)
        share = sum(positive.values())
        terms.append(
            -sum(w / share * math.log(math.exp(scale * float(z[i] @ n[c])) / below) for c, w in positive.items())
        )
    return sum(terms) / len(terms) if terms else 0.0


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from([0.0, 0.2, 0.5, 1.0, NAN]), min_size=3, max_size=3), min_size=1, max_size=5),
    st.floats(0.5, 20.0),
)
def test_present_names_are_a_pictures_positives(rows: list[list[float]], scale: float) -> None:
    z, n, present = unit(len(rows)), unit(3, seed=1), torch.tensor(rows, dtype=torch.float64)
    expected = slow_present_names(z, n, present, scale)
    assert float(present_names(z, n, present, scale)) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_the_asymmetric_loss_by_hand() -> None:
    logits = torch.tensor([[math.log(3.0), math.log(1 / 3)]])  # probabilities 3/4 and 1/4
    found = asymmetric(logits, torch.tensor([[1.0, 0.0]]), focus=2.0, margin=0.05)
    assert found[0, 0] == pytest.approx(-math.log(0.75), rel=1e-5)
    assert found[0, 1] == pytest.approx(-(0.2**2) * math.log(0.8), rel=1e-5)
    easy = asymmetric(torch.tensor([[-4.0]]), torch.zeros(1, 1))  # below the margin: nothing
    assert float(easy) == 0.0


def test_an_intensity_between_two_levels_is_shared_by_both() -> None:
    logits = torch.log(torch.tensor([[[0.1, 0.2, 0.3, 0.2, 0.1, 0.1]]]))
    found = intensity_levels(logits, torch.tensor([[2.25]]))
    assert float(found) == pytest.approx(-(0.75 * math.log(0.3) + 0.25 * math.log(0.2)), rel=1e-5)
    assert float(intensity_levels(logits, torch.tensor([[NAN]]))) == 0.0


def test_weights_make_a_class_count_more() -> None:
    z, names = unit(2), unit(2, seed=1)
    votes = torch.eye(2, dtype=torch.float64)
    each = [float(expression_names(z[i : i + 1], names, votes[i : i + 1], 5.0)) for i in range(2)]
    weighted = expression_names(z, names, votes, 5.0, torch.tensor([3.0, 1.0]))
    assert float(weighted) == pytest.approx((3 * each[0] + each[1]) / 2, rel=1e-5)
    present, biases = torch.tensor([[1.0, 0.0]]), torch.zeros(2)
    one = [float(au_names(z[:1], names[c : c + 1], biases[:1], present[:, c : c + 1], 5.0)) for c in range(2)]
    found = au_names(z[:1], names, biases, present, 5.0, weights=torch.tensor([2.0, 1.0]))
    assert float(found) == pytest.approx((2 * one[0] + one[1]) / 2, rel=1e-5)
