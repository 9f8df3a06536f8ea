"""Cameras of this machine: Video4Linux2, AVFoundation, DirectShow."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from clef_rt.errors import SourceNotFound, SourceUnauthorized
from clef_rt.sources._open import Recipe
from clef_rt.sources._options import SourceOptions
from clef_rt.sources._uri import SourceUri

__all__ = ["CameraDevice", "list_cameras", "webcam_recipe"]


@dataclass(frozen=True, slots=True)
class CameraDevice:
    """A camera of this machine.

    Attributes:
        uri: what `open_source` takes: a number as text.
        name: what its driver calls it.
    """

    uri: str
    name: str


def list_cameras(platform: str = sys.platform, sys_class: Path = Path("/sys/class/video4linux")) -> list[CameraDevice]:
    """The cameras found on this machine, by number.

    Args:
        platform: as `sys.platform`.
        sys_class: where Linux describes its video devices.
    """
    if platform.startswith("linux"):
        return _list_v4l2(sys_class)
    try:
        from av.device import enumerate_input_devices
    except ImportError:  # older PyAV can't tell
        return []
    devices = enumerate_input_devices("dshow" if platform == "win32" else "avfoundation")
    cameras = [device for device in devices if "video" in device.media_types]
    return [CameraDevice(str(number), device.description or device.name) for number, device in enumerate(cameras)]


def webcam_recipe(uri: SourceUri, options: SourceOptions, platform: str = sys.platform) -> Recipe:
    """How to open a camera of this machine.

    Raises:
        SourceNotFound: there is no such camera; names those there are.
        SourceUnauthorized: this user may not use it.
    """
    device = uri.reveal()
    given = {} if options.size is None else {"video_size": f"{options.size[0]}x{options.size[1]}"}
    if options.fps is not None:
        given["framerate"] = f"{options.fps:g}"
    if platform == "darwin":
        # Left alone, AVFoundation's input asks for 29.97 fps, which most built-in cameras refuse.
        return Recipe(device, "avfoundation", {"framerate": "30"} | given, live=True, timeouts=True)
    if platform == "win32":
        cameras = list_cameras(platform)
        names = [camera.name for camera in cameras if camera.uri == device]
        if not names:
            raise SourceNotFound(f"There is no camera {device}.", _found(cameras))
        return Recipe(f"video={names[0]}", "dshow", given, live=True, timeouts=True)
    path = f"/dev/video{device}" if device.isdecimal() else device
    if not os.path.exists(path):
        raise SourceNotFound(f"There is no camera {path}.", _found(list_cameras(platform)))
    if not os.access(path, os.R_OK | os.W_OK):
        raise SourceUnauthorized(
            f"This user may not use {path}.", "Run: sudo usermod -aG video $USER, and log in again."
        )
    # Over USB 2 most cameras give 720p at full rate as MJPEG alone, uncompressed at 10 fps.
    attempts = ({"input_format": "mjpeg"}, {}) if options.size is not None else ({},)
    return Recipe(path, "v4l2", given, attempts=attempts, live=True, timeouts=True)


def _list_v4l2(sys_class: Path) -> list[CameraDevice]:
    cameras = []
    for entry in sys_class.glob("video*"):
        number = re.fullmatch(r"video(\d+)", entry.name)
        # A camera's further nodes (index 1, …) carry metadata, not pictures.
        if number and _read(entry / "index") in ("0", ""):
            cameras.append((int(number[1]), _read(entry / "name") or entry.name))
    return [CameraDevice(str(number), name) for number, name in sorted(cameras)]


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _found(cameras: list[CameraDevice]) -> str:
    if cameras:
        return "Cameras found: " + ", ".join(f"{camera.uri} ({camera.name})" for camera in cameras) + "."
    return "No camera was found: plug one in (in a container: --device /dev/video0), or give a URL or a file."
