"""Sources: a camera's number, a URL, a file, an image or a folder in; stamped frames out.

with open_source("rtsp://user:password@camera/stream") as source:
    for frame in source:
        print(frame.seq, frame.picture.width, frame.captured_utc_ns)
"""

from __future__ import annotations

from pathlib import Path

from clef_rt.errors import SourceNotFound
from clef_rt.names import check_camera
from clef_rt.sources._names import camera_name
from clef_rt.sources._options import SourceOptions
from clef_rt.sources._source import Source
from clef_rt.sources._uri import Kind, SourceUri, redact
from clef_rt.sources._webcam import CameraDevice, list_cameras

__all__ = [
    "CameraDevice",
    "Kind",
    "Source",
    "SourceOptions",
    "SourceUri",
    "camera_name",
    "list_cameras",
    "open_source",
    "redact",
]


def open_source(
    uri: str | int | Path | SourceUri, *, camera: str | None = None, options: SourceOptions | None = None
) -> Source:
    """Open a source; its frames come from iterating it.

    Args:
        uri: a camera's number or `/dev/videoN`; `rtsp://`, `http://` (MJPEG, HLS, a video) or another network URL; a
            video, an image, or a folder of images; `synthetic://testsrc2?size=1280x720&rate=30&duration=10`.
        camera: what to call it, `[a-z0-9_-]+`; derived from the URI where not given.
        options: see `SourceOptions`.

    Raises:
        SourceError: it can't be opened; the subclass tells why, within the options' `open_timeout_s` for each step.
        ConfigError: the camera's name is not allowed.
    """
    from clef_rt.sources._av import AvSource
    from clef_rt.sources._images import IMAGE_SUFFIXES, ImageSource
    from clef_rt.sources._network import network_recipe
    from clef_rt.sources._open import Recipe
    from clef_rt.sources._synthetic import synthetic_recipe
    from clef_rt.sources._webcam import webcam_recipe

    uri = SourceUri.parse(uri)
    camera = camera_name(uri) if camera is None else check_camera(camera)
    options = options if options is not None else SourceOptions()
    if uri.kind is Kind.NETWORK:
        return AvSource(network_recipe(uri, options), uri, camera, options)
    if uri.kind is Kind.WEBCAM:
        return AvSource(webcam_recipe(uri, options), uri, camera, options)
    if uri.kind is Kind.SYNTHETIC:
        return AvSource(synthetic_recipe(uri, options), uri, camera, options)
    path = Path(uri.reveal()).expanduser().absolute()  # absolute: libav would read a protocol into `a:b.mp4`
    if not path.exists():
        raise SourceNotFound(f"There is no {path}.", "Check the path.")
    if path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES:
        return ImageSource(path, uri, camera, options)
    return AvSource(Recipe(target=str(path), format=None, options={}), uri, camera, options)
