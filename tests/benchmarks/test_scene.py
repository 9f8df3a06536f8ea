from __future__ import annotations

import numpy as np
import pytest

from benchmarks.scene import MAX_FACES, cells, pose

LENGTH_S = 30.0
WIDTH, HEIGHT = 1280, 720


@pytest.mark.parametrize("faces", range(1, MAX_FACES + 1))
def test_cells_lie_within_the_picture_and_apart(faces: int) -> None:
    found = cells(faces, WIDTH, HEIGHT)
    assert len(found) == faces
    covered = np.zeros((HEIGHT, WIDTH), int)
    for cell in found:
        covered[round(cell.top) : round(cell.top + cell.height), round(cell.left) : round(cell.left + cell.width)] += 1
    assert covered.max() == 1
    assert all(cell.left + cell.width <= WIDTH + 1e-6 and cell.top + cell.height <= HEIGHT + 1e-6 for cell in found)


@pytest.mark.parametrize("faces", [0, -1, MAX_FACES + 1])
def test_too_few_or_too_many_faces_are_refused(faces: int) -> None:
    with pytest.raises(ValueError, match="faces"):
        cells(faces, WIDTH, HEIGHT)


def test_a_face_stays_in_its_cell_and_comes_back() -> None:
    cell = cells(4, WIDTH, HEIGHT)[3]
    for t_s in np.linspace(0, LENGTH_S, 500):
        place = pose(cell, 3, t_s, LENGTH_S)
        assert cell.left + 0.2 * cell.width < place.x < cell.left + 0.8 * cell.width
        assert cell.top + 0.2 * cell.height < place.y < cell.top + 0.8 * cell.height
        assert 0.85 < place.scale < 1.15
        assert abs(place.angle) < 0.2
    first, last = pose(cell, 3, 0, LENGTH_S), pose(cell, 3, LENGTH_S, LENGTH_S)
    assert (first.x, first.y, first.scale, first.angle) == pytest.approx((last.x, last.y, last.scale, last.angle))


def test_faces_move_independently() -> None:
    here = cells(1, WIDTH, HEIGHT)[0]
    times = np.linspace(0, LENGTH_S, 900)
    ways = np.array([[pose(here, face, t_s, LENGTH_S).x for t_s in times] for face in range(4)])
    likeness = np.abs(np.corrcoef(ways) - np.eye(4))
    assert likeness.max() < 0.5
    assert ways.std(axis=1).min() > 100
