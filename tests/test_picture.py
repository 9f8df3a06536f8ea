from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut

from clef_rt.picture import Picture
from tests.conftest import make_video
from tests.rigs import oracle

PHOTOGRAPH = np.ascontiguousarray(astronaut()[..., ::-1])


def decoded(
    image: NDArray[np.uint8], *, codec: str, pix_fmt: str, color_range: int | None = None, colorspace: int | None = None
) -> av.VideoFrame:
    """The image after a real encoder and decoder."""
    encoder = av.CodecContext.create(codec, "w")
    encoder.height, encoder.width = image.shape[:2]
    encoder.pix_fmt, encoder.time_base = pix_fmt, Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(image, format="bgr24")
    frame = frame.reformat(format=pix_fmt, dst_color_range=color_range, dst_colorspace=colorspace)
    if color_range is not None:
        encoder.color_range = color_range
    if colorspace is not None:
        encoder.colorspace = colorspace
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    decoder = av.CodecContext.create("h264" if codec == "libx264" else codec, "r")
    if encoder.extradata:
        decoder.extradata = encoder.extradata
    return next(frame for packet in [*packets, None] for frame in decoder.decode(packet))


def differences(picture: Picture) -> NDArray[np.int64]:
    expected = cv2.cvtColor(picture.bgr(), cv2.COLOR_BGR2GRAY)
    return np.abs(picture.gray().astype(np.int64) - expected)


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "size"),
    [
        ("libx264", "yuv420p", (640, 360)),
        ("libx264", "yuv420p", (322, 242)),  # lines padded from 322 to 384 bytes
        ("libx264", "yuv444p", (321, 241)),  # odd sides
        ("libx264", "yuv420p10le", (320, 240)),
        ("mpeg4", "yuv420p", (320, 240)),
        ("mjpeg", "yuvj420p", (321, 241)),
        ("mjpeg", "yuvj422p", (320, 240)),
        ("png", "rgb24", (321, 241)),
        ("png", "rgba", (33, 31)),
    ],
)
def test_the_luminance_of_a_photograph_is_that_of_its_colours(codec: str, pix_fmt: str, size: tuple[int, int]) -> None:
    picture = Picture.from_av(decoded(cv2.resize(PHOTOGRAPH, size), codec=codec, pix_fmt=pix_fmt))
    assert picture.gray().shape == (size[1], size[0]) == (picture.height, picture.width)
    assert picture.bgr().shape == (size[1], size[0], 3)
    assert picture.gray().dtype == picture.bgr().dtype == np.uint8
    # Where a saturated colour is cut off at 0 or 255 the way through BGR loses luminance: under 1 % of the pixels.
    assert np.percentile(differences(picture), 99) <= 3
    assert differences(picture).mean() < 1.5


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "color_range"),
    [("libx264", "yuv420p", None), ("libx264", "yuv420p", 1), ("libx264", "yuv420p", 2), ("mjpeg", "yuvj420p", None)],
)
def test_grey_keeps_its_full_range_whatever_the_streams_range(
    codec: str, pix_fmt: str, color_range: int | None
) -> None:
    ramp = np.repeat(np.linspace(0, 255, 256).astype(np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    picture = Picture.from_av(decoded(ramp, codec=codec, pix_fmt=pix_fmt, color_range=color_range))
    assert differences(picture).max() <= 3
    assert np.abs(picture.gray()[32].astype(int) - ramp[32, :, 0]).max() <= 6  # the codec's own loss included
    assert picture.gray().min() <= 2
    assert picture.gray().max() >= 253


def test_luminance_below_black_is_black_and_above_white_is_white() -> None:
    frame = av.VideoFrame(256, 16, "yuv420p")
    for plane in frame.planes:
        plane.update(bytes([128]) * plane.buffer_size)
    luma = np.zeros((16, frame.planes[0].line_size), np.uint8)
    luma[:, :256] = np.arange(256)
    frame.planes[0].update(luma.tobytes())
    gray = Picture.from_av(frame).gray()
    assert (gray[:, :17] == 0).all()
    assert (gray[:, 235:] == 255).all()
    assert (np.diff(gray[0].astype(int)) >= 0).all()


def test_grey_pngs_are_in_full_range() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None], 32, axis=0)
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 256, 32, "gray", Fraction(1, 25)
    packets = encoder.encode(av.VideoFrame.from_ndarray(ramp, format="gray"))
    frame = av.CodecContext.create("png", "r").decode(packets[0])[0]
    assert (Picture.from_av(frame).gray() == ramp).all()


def test_full_range_luminance_is_the_decoders_own_memory_and_read_only() -> None:
    frame = decoded(PHOTOGRAPH, codec="mjpeg", pix_fmt="yuvj420p")
    gray = Picture.from_av(frame).gray()
    assert gray.base is not None
    assert not gray.flags.writeable


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_video_filmed_sideways_is_shown_upright(tmp_path: Path, turn: int) -> None:
    path = make_video(tmp_path / "turned.mp4", frames=3)
    turn_display(path, turn)
    with av.open(str(path)) as container:
        picture = Picture.from_av(next(container.decode(video=0)))
    upright_gray = np.rot90(picture.gray(), turn // 90)
    upright_bgr = np.rot90(picture.bgr(), turn // 90)
    assert (picture.width, picture.height) == ((322, 242) if turn % 180 == 0 else (242, 322))
    assert picture.gray().shape == picture.bgr().shape[:2] == (picture.height, picture.width)
    assert oracle.read(upright_gray) == oracle.read(upright_bgr) == 0


def turn_display(path: Path, clockwise: int) -> None:
    """Write a rotation into the track header's matrix, as phones do."""
    data = bytearray(path.read_bytes())
    matrix = data.find(b"tkhd") + 4 + 4 + 5 * 4 + 8 + 8
    cos, sin = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[clockwise]
    struct.pack_into(">9i", data, matrix, cos << 16, sin << 16, 0, -sin << 16, cos << 16, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


def test_arrays_are_wrapped_without_a_copy() -> None:
    assert Picture.from_array(PHOTOGRAPH).bgr() is PHOTOGRAPH
    gray = PHOTOGRAPH[..., 1].copy()
    picture = Picture.from_array(gray)
    assert picture.gray() is gray
    assert (picture.bgr() == gray[..., None]).all()
    assert differences(Picture.from_array(PHOTOGRAPH)).max() == 0


def test_conversions_happen_once() -> None:
    picture = Picture.from_av(decoded(PHOTOGRAPH, codec="mpeg4", pix_fmt="yuv420p"))
    assert picture.gray() is picture.gray()
    assert picture.bgr() is picture.bgr()


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4), np.float32), np.zeros((0, 4, 3), np.uint8), np.zeros(4, np.uint8)],
)
def test_arrays_that_are_no_pictures_are_refused(image: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="an image"):
        Picture.from_array(image)
