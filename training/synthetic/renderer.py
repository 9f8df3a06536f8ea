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

if TYPE_CHECKING:
    import moderngl

__all__ = ["Renderer"]

_SAMPLES: Final = 2  # rendered pixels per side of a picture's pixel
_SHADERS: Final = Path(__file__).parent / "shaders"


class Renderer:
    """Renders one person at a time.

    Args:
        mesh: what is drawn.
        size: side of the pictures, px; they are rendered `_SAMPLES` times as large.

    Raises:
        MissingExtra: moderngl isn't installed.
        ConfigError: there is no EGL.
    """

    def __init__(self, mesh: Mesh, size: int) -> None:
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
        self._program = self._gl.program(
            vertex_shader=(_SHADERS / "face.vert").read_text(), fragment_shader=(_SHADERS / "face.frag").read_text()
        )
        fixed = np.concatenate([mesh.uv, np.stack([mesh.kind, mesh.scalp, mesh.depth], axis=1)], axis=1)
        self._moving = self._gl.buffer(reserve=len(mesh.corners) * 7 * 4, dynamic=True)
        self._array = self._gl.vertex_array(
            self._program,
            [
                (self._moving, "3f 3f 1f", "in_position", "in_normal", "in_hollow"),
                (
                    self._gl.buffer(fixed.astype(np.float32).tobytes()),
                    "2f 1f 1f 1f",
                    "in_uv",
                    "in_kind",
                    "in_scalp",
                    "in_depth",
                ),
            ],
            self._gl.buffer(mesh.triangles.tobytes()),
        )
        self._target = self._gl.simple_framebuffer((self._side, self._side), components=4)
        self._gl.enable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        self._gl.front_face = "cw"  # the shader turns y over
        self._texture: moderngl.Texture | None = None

    @classmethod
    @contextlib.contextmanager
    def open(cls, mesh: Mesh, size: int) -> Iterator[Self]:
        """A renderer that is released at the end of the block."""
        renderer = cls(mesh, size)
        try:
            yield renderer
        finally:
            renderer.close()

    @property
    def device(self) -> str:
        """What renders, in OpenGL's words."""
        return str(self._gl.info["GL_RENDERER"])

    def dress(self, look: Look, texture: NDArray[np.uint8]) -> None:
        """Set whose face is rendered.

        Args:
            look: the person's colours.
            texture: (T, T, 3) uint8 from `skin.paint`.
        """
        if self._texture is not None:
            self._texture.release()
        self._texture = self._gl.texture(texture.shape[1::-1], 3, np.ascontiguousarray(texture).tobytes())
        self._texture.build_mipmaps()
        self._texture.anisotropy = 1.0
        self._set(skin=look.skin, hair=look.hair, iris=look.iris, hairline=look.bald)

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
    ) -> NDArray[np.uint8]:
        """One picture.

        Args:
            moving: (r, 7) float32 from `Mesh.shade`.
            turn: (3, 3) float32 the head's rotation.
            camera: where the camera stands.
            centre: (3,) float32 the point of the head that the picture is centred on, before the rotation.
            eyes: (2, 3) float32 centres of the left and right eyeball.
            parted: 0–1, how much light falls into the mouth.

        Returns:
            (S, S, 4) uint8 premultiplied RGBA sRGB, top row first.
        """
        self._moving.write(np.ascontiguousarray(moving).tobytes())
        self._set(
            turn=turn.T, centre=centre, distance=camera.distance, half_width=camera.width / 2, shift=camera.shift,
            eyes=eyes, parted=parted,
        )  # fmt: skip
        self._target.use()
        self._target.clear(0.0, 0.0, 0.0, 0.0)
        if self._texture is not None:
            self._texture.use(0)
        self._array.render()
        data = np.frombuffer(self._target.read(components=4), np.uint8)
        return data.reshape(self._side, self._side, 4)

    def close(self) -> None:
        """Release the context and what it holds."""
        self._gl.release()

    def _set(self, **values: NDArray[np.float32] | tuple[float, ...] | float) -> None:
        for name, value in values.items():
            uniform = cast("moderngl.Uniform", self._program[name])
            uniform.write(np.ascontiguousarray(value, np.float32).tobytes())
