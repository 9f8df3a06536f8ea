"""What is drawn of the kit: the polygons that can be seen, vertices split at texture seams, normals and hollows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from training.synthetic.geometry import EYE_CENTRES, FaceKit
from training.synthetic.skin import TEXTURE, beard_area, face_uvs, moustache_area

__all__ = ["Kind", "Mesh"]


class Kind(IntEnum):
    """How a vertex is shaded."""

    FACE = 0
    HEAD = 1
    MOUTH = 2
    TEETH = 3
    EYE = 4


_PARTS: Final = {
    "Face": Kind.FACE,
    "Head and Neck": Kind.HEAD,
    "Mouth socket": Kind.MOUTH,
    "Eye socket left": Kind.HEAD,
    "Eye socket right": Kind.HEAD,
    "Gums and tongue": Kind.MOUTH,
    "Teeth": Kind.TEETH,
}
_SCLERAS: Final = {"L": slice(21451, 22221), "R": slice(23021, 23791)}  # with the cornea; irises are painted on them
_VISIBLE_TEETH: Final = (*range(3, 13), *range(19, 29))  # from one second bicuspid to the other


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """The drawn part of the kit.

    Attributes:
        vertices: (m,) int vertices of the kit that are needed.
        corners: (r,) int rows of `vertices`: what is sent to OpenGL; a vertex on a texture seam is sent twice.
        triangles: (t, 3) int32 rows of `corners`.
        uv: (r, 2) float32 texture coordinates of the face; of eyeballs, the offset from the eye's axis in kit units.
        kind: (r,) float32 of `Kind`.
        scalp: (r,) float32 height above a usual hairline in kit units.
        depth: (r,) float32 how far a vertex of the mouth lies behind the lips, in kit units.
        beard: (r, 2) float32 0–1 where a beard and a moustache grow.
    """

    vertices: NDArray[np.int64]
    corners: NDArray[np.int64]
    triangles: NDArray[np.int32]
    uv: NDArray[np.float32]
    kind: NDArray[np.float32]
    scalp: NDArray[np.float32]
    depth: NDArray[np.float32]
    beard: NDArray[np.float32]
    _quads: NDArray[np.int64]
    _around: sparse.csr_matrix
    _spread: sparse.csr_matrix

    @classmethod
    def of(cls, kit: FaceKit) -> Self:
        """Choose and index what is drawn."""
        kinds = _kinds(kit)
        chosen = (kinds[kit.polygons[:, :3]] >= 0).all(axis=1)
        polygons, uvs = kit.polygons[chosen], kit.polygon_uvs[chosen]
        triangle = polygons[:, 3] < 0
        polygons[triangle, 3], uvs[triangle, 3] = polygons[triangle, 2], uvs[triangle, 2]
        vertices, quads = np.unique(polygons, return_inverse=True)
        quads = quads.reshape(-1, 4)
        pairs, corner = np.unique(np.stack([quads.ravel(), uvs.ravel()]), axis=1, return_inverse=True)
        corner = corner.reshape(-1, 4)
        triangles = np.concatenate([corner[:, [0, 1, 2]], corner[~triangle][:, [0, 2, 3]]])
        source = vertices[pairs[0]]
        position = kit.neutral[source]
        lips = float(kit.neutral[kit.landmarks[62], 2])
        incidence = sparse.csr_matrix(
            (np.ones(quads.size, np.float32), (quads.ravel(), np.repeat(np.arange(len(quads)), 4))),
            shape=(len(vertices), len(quads)),
        )
        return cls(
            vertices=vertices.astype(np.int64),
            corners=pairs[0],
            triangles=triangles.astype(np.int32),
            uv=_texture(kit, source, pairs[1], kinds),
            kind=kinds[source].astype(np.float32),
            scalp=_scalp(position),
            depth=np.maximum(lips - position[:, 2], 0).astype(np.float32),
            beard=_beard(kit, source, pairs[1], kinds),
            _quads=quads,
            _around=incidence,
            _spread=_laplacian(quads, len(vertices)),
        )

    def shade(self, face: NDArray[np.float32]) -> NDArray[np.float32]:
        """Everything that changes with a face's movement.

        Args:
            face: (m, 3) float32 positions of `vertices`.

        Returns:
            (r, 7) float32: position, unit normal, and how hollow the surface is (positive in a fold, in kit units).
        """
        a, b, c, d = (face[self._quads[:, i]] for i in range(4))
        normal = self._around @ np.cross(c - a, d - b)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
        hollow = np.einsum("ij,ij->i", self._spread @ face, normal)
        return np.asarray(np.concatenate([face, normal, hollow[:, None]], axis=1)[self.corners], np.float32)


def _kinds(kit: FaceKit) -> NDArray[np.int8]:
    """How each vertex of the kit is shaded; −1 where it isn't drawn."""
    kinds = np.full(len(kit.neutral), -1, np.int8)
    for name, kind in _PARTS.items():
        kinds[kit.parts[name]] = kind
    for number, tooth in enumerate(kit.teeth):
        if number not in _VISIBLE_TEETH:
            kinds[tooth] = -1
    for side, sclera in _SCLERAS.items():
        front = kit.neutral[sclera, 2] > EYE_CENTRES[side][2] - 0.4  # the rest stays within the head however they turn
        kinds[sclera] = np.where(front, Kind.EYE, -1)
    back = kit.parts["Head and Neck"]
    kinds[back] = np.where(kit.neutral[back, 2] < -6, -1, Kind.HEAD)
    return kinds


def _texture(
    kit: FaceKit, source: NDArray[np.int64], rows: NDArray[np.int64], kinds: NDArray[np.int8]
) -> NDArray[np.float32]:
    """Texture coordinates by corner; the eyeballs' are offsets from the eye's axis through the cornea's peak."""
    uv = kit.uv[rows].copy()
    for side, sclera in _SCLERAS.items():
        local = kit.neutral[sclera] - np.array(EYE_CENTRES[side], np.float32)
        axis = local[np.linalg.norm(local, axis=1).argsort()[-12:]].mean(axis=0)
        axis /= np.linalg.norm(axis)
        mine = (source >= sclera.start) & (source < sclera.stop)
        offset = local[source[mine] - sclera.start]
        uv[mine] = offset[:, :2] - (offset @ axis)[:, None] * axis[:2]
    uv[kinds[source] == Kind.HEAD] = 0
    return np.asarray(uv, np.float32)


def _beard(
    kit: FaceKit, source: NDArray[np.int64], rows: NDArray[np.int64], kinds: NDArray[np.int8]
) -> NDArray[np.float32]:
    """Where hair grows on the face, by corner."""
    landmarks = face_uvs(kit)
    at = np.clip((kit.uv[rows] * TEXTURE).astype(int), 0, TEXTURE - 1)
    face = kinds[source] == Kind.FACE
    masks = [mask[at[:, 1], at[:, 0]] * face for mask in (beard_area(landmarks), moustache_area(landmarks))]
    return np.stack(masks, axis=1).astype(np.float32)


def _scalp(position: NDArray[np.float32]) -> NDArray[np.float32]:
    """Height above a usual hairline: high over the forehead, low before and above the ears."""
    front = np.clip((position[:, 2] - 1) / 6, 0, 1)
    front = front * front * (3 - 2 * front)
    return np.asarray(position[:, 1] - (5.8 + 3.6 * front), np.float32)


def _laplacian(quads: NDArray[np.int64], count: int) -> sparse.csr_matrix:
    """From positions to the offset of each vertex's neighbours' mean from it."""
    edges = np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)])
    edges = np.concatenate([edges, edges[:, ::-1]])
    links = sparse.csr_matrix((np.ones(len(edges), np.float32), (edges[:, 0], edges[:, 1])), shape=(count, count))
    links.setdiag(0)
    links.data[:] = 1
    degree = np.asarray(links.sum(axis=1)).ravel()
    mean = sparse.diags((1 / np.maximum(degree, 1)).astype(np.float32)) @ links
    return sparse.csr_matrix(mean - sparse.identity(count, np.float32))
