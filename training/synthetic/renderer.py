"""Pictures of a mesh by OpenGL without a window (EGL): on a GPU, or on the processor by Mesa."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, cast

import numpy as np
from numpy.typing import NDArray

from clef_rt.errors import ConfigError, MissingExtra
from training.synthetic.mesh import Mesh
from training.synthetic.scene import Camera, Light
from training.synthetic.subjects import Look
from training.synthetic.worn import Worn

if TYPE_CHECKING:
    import moderngl

__all__ = ["Renderer"]

_SAMPLES: Final = 2  # rendered pixels per side of a picture's pixel
_VERSION: Final = "#version 330\n"
_SHADERS: Final = Path(__file__).parent / "shaders"


class Renderer:
    """Renders one person at a time.

    Args:
        mesh: what is drawn.
        size: side of the pictures, px; they are rendered `_SAMPLES` times as large.
        folds: side of the folds' height maps, px.

    Raises:
        MissingExtra: moderngl isn't installed.
        ConfigError: there is no EGL.
    """

    def __init__(self, mesh: Mesh, size: int, folds: int) -> None:
        try:
            import moderngl
        except ModuleNotFoundError:
            raise MissingExtra("moderngl", "training") from None
        try:
            self._gl = moderngl.create_standalone_context(backend="egl")  # type: ignore[arg-type]  # its stub is of an older form
        except Exception as error:  # moderngl and its loaders raise bare Exceptions
            raise ConfigError(
                f"OpenGL can't be used without a window: {error}.", "Install EGL (Debian: libegl1 libgl1-mesa-dri)."
            ) from None
        self._side = size * _SAMPLES
        self._program, self._worn_program = self._compile("face"), self._compile("worn")
        fixed = np.concatenate([mesh.uv, np.stack([mesh.kind, mesh.scalp, mesh.depth], axis=1), mesh.beard], axis=1)
        self._moving = self._gl.buffer(reserve=len(mesh.corners) * 7 * 4, dynamic=True)
        self._array = self._gl.vertex_array(
            self._program,
            [
                (self._moving, "3f 3f 1f", "in_position", "in_normal", "in_hollow"),
                (
                    self._gl.buffer(fixed.astype(np.float32).tobytes()),
                    "2f 1f 1f 1f 2f",
                    "in_uv",
                    "in_kind",
                    "in_scalp",
                    "in_depth",
                    "in_beard",
                ),
            ],
            self._gl.buffer(mesh.triangles.tobytes()),
        )
        self._target = self._gl.simple_framebuffer((self._side, self._side), components=4)
        self._gl.enable(moderngl.DEPTH_TEST)
        self._gl.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
        self._flags = moderngl.CULL_FACE, moderngl.BLEND
        self._gl.front_face = "cw"  # the shader turns y over
        self._texture: moderngl.Texture | None = None
        self._folds = self._gl.texture((folds, folds), 1, dtype="f4")
        self._folds.filter = moderngl.LINEAR, moderngl.LINEAR
        self._worn: moderngl.VertexArray | None = None
        self._program["face"], self._program["folds"] = 0, 1

    @classmethod
    @contextlib.contextmanager
    def open(cls, mesh: Mesh, size: int, folds: int) -> Iterator[Self]:
        """A renderer that is released at the end of the block."""
        renderer = cls(mesh, size, folds)
        try:
            yield renderer
        finally:
            renderer.close()

    @property
    def device(self) -> str:
        """What renders, in OpenGL's words."""
        return str(self._gl.info["GL_RENDERER"])

    def _compile(self, name: str) -> moderngl.Program:
        """A program of what all share, and its own two shaders."""
        text = {
            file.name: file.read_text() for file in _SHADERS.iterdir() if file.suffix in (".glsl", ".vert", ".frag")
        }
        return self._gl.program(
            vertex_shader=_VERSION + text["place.glsl"] + text[f"{name}.vert"],
            fragment_shader=_VERSION + text["light.glsl"] + text[f"{name}.frag"],
        )

    def dress(self, look: Look, texture: NDArray[np.uint8], worn: Worn) -> None:
        """Set whose face is rendered.

        Args:
            look: the person's colours.
            texture: (T, T, 3) uint8 from `skin.paint`.
            worn: long hair and glasses.
        """
        if self._worn is not None:
            self._worn.release()
            self._worn = None
        vertices, triangles = worn.arrays()
        if len(triangles):
            names = ("in_position", "in_normal", "in_paint", "in_strand", "in_gloss")
            content = [(self._gl.buffer(vertices.tobytes()), "3f 3f 4f 2f 1f", *names)]
            self._worn = self._gl.vertex_array(self._worn_program, content, self._gl.buffer(triangles.tobytes()))
        if self._texture is not None:
            self._texture.release()
        self._texture = self._gl.texture(texture.shape[1::-1], 3, np.ascontiguousarray(texture).tobytes())
        self._texture.build_mipmaps()
        self._texture.anisotropy = 1.0
        self._set(
            skin=look.skin, hair=look.hair, iris=look.iris, hairline=look.bald,
            hair_shape=(look.volume, look.uneven, look.fringe), parting=look.parting, strandy=float(not look.cloth),
            beard_colour=look.beard_colour, beard_density=(look.beard[0], look.moustache[0]),
            beard_length=(look.beard[1], look.moustache[1]),
        )  # fmt: skip

    def light(self, light: Light) -> None:
        """Set the light."""
        self._set(
            ambient=light.ambient, lamp_directions=light.directions, lamp_colours=light.colours, gloss=light.gloss
        )

    def render(
        self,
        moving: NDArray[np.float32],
        turn: NDArray[np.float32],
        camera: Camera,
        centre: NDArray[np.float32],
        eyes: NDArray[np.float32],
        parted: float,
        shut: tuple[float, float],
        folds: NDArray[np.float32],
    ) -> NDArray[np.uint8]:
        """One picture.

        Args:
            moving: (r, 7) float32 from `Mesh.shade`.
            turn: (3, 3) float32 the head's rotation.
            camera: where the camera stands.
            centre: (3,) float32 the point of the head that the picture is centred on, before the rotation.
            eyes: (2, 3) float32 centres of the left and right eyeball.
            parted: 0–1, how much light falls into the mouth.
            shut: 0–1, how far the left and right lids are closed.
            folds: the folds' heights from `FoldMaps`.

        Returns:
            (S, S, 4) uint8 premultiplied RGBA sRGB, top row first.
        """
        self._moving.write(np.ascontiguousarray(moving).tobytes())
        self._set(
            turn=turn.T, centre=centre, distance=camera.distance, half_width=camera.width / 2, shift=camera.shift,
            eyes=eyes, parted=parted, shut=shut,
        )  # fmt: skip
        self._target.use()
        self._target.clear(0.0, 0.0, 0.0, 0.0)
        if self._texture is not None:
            self._texture.use(0)
        self._folds.write(np.ascontiguousarray(folds).tobytes())
        self._folds.use(1)
        culled, blended = self._flags
        self._gl.enable(culled)
        self._array.render()
        if self._worn is not None:
            self._gl.disable(culled)
            self._gl.enable(blended)
            self._worn.render()
            self._gl.disable(blended)
        data = np.frombuffer(self._target.read(components=4), np.uint8)
        return data.reshape(self._side, self._side, 4)

    def close(self) -> None:
        """Release the context and what it holds."""
        self._gl.release()

    def _set(self, **values: NDArray[np.float32] | tuple[float, ...] | float) -> None:
        for name, value in values.items():
            data = np.ascontiguousarray(value, np.float32).tobytes()
            for program in (self._program, self._worn_program):
                if name in program:  # what a shader doesn't use, its compiler leaves out
                    cast("moderngl.Uniform", program[name]).write(data)
