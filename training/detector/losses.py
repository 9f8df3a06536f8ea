"""Which place answers for which face, and what a wrong answer costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch.nn import functional as F

from training.detector.model import STRIDES, decode, grid

__all__ = ["Targets", "assign", "detector_loss", "overlap"]

_SIZES: Final = ((0.0, 48.0), (34.0, 104.0), (76.0, 1e6))
"""Which faces (√area, pixels) each stride answers for; neighbours share some, so that no size falls between."""
_REACH: Final = 0.22  # how far from the face's centre, in sizes, a place may lie to answer for it …
_REACH_STRIDES: Final = 0.8  # … and in strides, for the smallest
_UNSURE: Final = 0.42  # as far out, or at a neighbouring stride, an answer is neither asked for nor punished
_LANDMARK_WEIGHT: Final = 3.0
_BOX_WEIGHT: Final = 2.0
_SMOOTH: Final = 0.02  # of the face's size: below this a landmark's error counts by its square


@dataclass(frozen=True, slots=True)
class Targets:
    """The faces of a batch, padded to the same number a picture.

    Attributes:
        boxes: (n, f, 4) float32: left, top, right, bottom, pixels.
        landmarks: (n, f, 5, 2) float32, pixels.
        kinds: (n, f) int8: 1 is a face, −1 something that may count as one or not, 0 padding.
    """

    boxes: torch.Tensor
    landmarks: torch.Tensor
    kinds: torch.Tensor


def assign(targets: Targets, shapes: list[tuple[int, int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Give each place its face.

    Args:
        targets: f ≥ 1.
        shapes: (H, W) of the map of each stride.

    Returns:
        The index of its face (n, m) int64, −1 where it has none; and whether the place counts as empty (n, m) bool.
        A place that has no face and isn't empty is ignored.
    """
    sides = (targets.boxes[..., 2:] - targets.boxes[..., :2]).clamp(min=1e-3)
    size = sides.prod(dim=-1).sqrt()[:, None]  # (n, 1, f)
    centre = (targets.boxes[..., :2] + targets.boxes[..., 2:]) / 2
    face, unsure = (targets.kinds == 1)[:, None], (targets.kinds == -1)[:, None]
    owners, empties = [], []
    for stride, (low, high), shape in zip(STRIDES, _SIZES, shapes, strict=True):
        places = grid(*shape, stride).to(size.device)
        off = (places[None, :, None] - centre[:, None]).abs()  # (n, m, f, 2)
        # Largest of both directions, in the box's own proportions
        far = (off / sides[:, None] * size[..., None]).amax(dim=-1)
        mine = (size >= low) & (size < high) & face
        positive = mine & (far < torch.maximum(_REACH * size, torch.full_like(size, _REACH_STRIDES * stride)))
        near = (
            (size >= low / 1.3) & (size < high * 1.3) & face & (far < torch.maximum(_UNSURE * size, size * 0 + stride))
        )
        near = near | (unsure & (far < 0.6 * size))
        nearest = torch.where(positive, far / size, torch.inf)
        best, owner = nearest.min(dim=-1)
        owned = best < torch.inf
        owners.append(torch.where(owned, owner, -1))
        empties.append(~owned & ~near.any(dim=-1))
    return torch.cat(owners, dim=1), torch.cat(empties, dim=1)


def detector_loss(maps: list[torch.Tensor], targets: Targets) -> dict[str, torch.Tensor]:
    """The three parts, each weighted; their sum is what is minimised."""
    owner, empty = assign(targets, [(level.shape[2], level.shape[3]) for level in maps])
    scores, boxes, points = decode(maps)
    picture, place = (owner >= 0).nonzero(as_tuple=True)
    face = owner[picture, place]
    true_box, true_points = targets.boxes[picture, face], targets.landmarks[picture, face]
    shared, distance = overlap(boxes[picture, place], true_box)
    count = max(len(face), 1)
    goal = torch.zeros_like(scores)
    goal[picture, place] = shared.detach().clamp(0, 1)
    asked = empty.clone()
    asked[picture, place] = True
    # Quality focal loss: the further the score is off, the more it counts.
    weight = (scores.sigmoid() - goal).abs().square().detach()
    entropy = F.binary_cross_entropy_with_logits(scores, goal, reduction="none")
    size = (true_box[:, 2:] - true_box[:, :2]).prod(dim=-1).sqrt()[:, None, None]
    error = F.smooth_l1_loss(points[picture, place] / size, true_points / size, beta=_SMOOTH, reduction="none")
    return {
        "score": (weight * entropy * asked).sum() / count,
        "box": _BOX_WEIGHT * (1 - shared + distance).sum() / count,
        "landmarks": _LANDMARK_WEIGHT * error.mean(dim=(1, 2)).sum() / count,
    }


def overlap(boxes: torch.Tensor, others: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of each pair (k, 4): the intersection over union, and the centres' squared distance over the hull's diagonal's.

    Together they make the DIoU loss (Zheng et al. 2020, arXiv 1911.08287).
    """
    low = torch.maximum(boxes[:, :2], others[:, :2])
    high = torch.minimum(boxes[:, 2:], others[:, 2:])
    shared = (high - low).clamp(min=0).prod(dim=1)
    areas = [(box[:, 2:] - box[:, :2]).clamp(min=0).prod(dim=1) for box in (boxes, others)]
    hull = torch.maximum(boxes[:, 2:], others[:, 2:]) - torch.minimum(boxes[:, :2], others[:, :2])
    off = (boxes[:, :2] + boxes[:, 2:] - others[:, :2] - others[:, 2:]) / 2
    return shared / (areas[0] + areas[1] - shared + 1e-6), off.square().sum(dim=1) / (hull.square().sum(dim=1) + 1e-6)
