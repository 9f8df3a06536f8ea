"""`clef-rt demo`: the main job on a clip of photographs, for whoever has no camera at hand."""

from __future__ import annotations

import sys

from clef_rt.cli import options as own
from clef_rt.errors import PublishError

__all__ = ["demo"]


def demo(
    bundle: own.Bundle = None,
    engine: own.Engine = None,
    variant: own.Variant = None,
    endpoint: own.Endpoint = None,
    plain: own.Plain = False,
    json: own.Json = False,
    quiet: own.Quiet = False,
    duration: own.Duration = None,
) -> None:
    """Play a clip of photographs as if it were a camera, and score, publish and watch it live.

    The clip is made at the first run. It ends by itself, with a summary.
    """
    kind = own.output_kind(plain=plain, json=json, quiet=quiet)
    from clef_rt.cli.run import run_live
    from clef_rt.config import LiveSettings, overlaid
    from clef_rt.demo_clip import ensure_clip
    from clef_rt.sources import list_cameras

    def say(text: str) -> None:
        if not quiet:
            print(text, file=sys.stderr)

    cameras = list_cameras()
    for camera in cameras:
        say(f"There is a camera, {camera.name}: for it, run `clef-rt live {camera.uri}`. The demo plays its clip.")
    if not cameras:
        say("No camera was found, so the demo plays its clip. With one: `clef-rt live 0`.")
    clip = ensure_clip(say=say)
    given = {
        "sources": [{"uri": str(clip), "camera": "demo"}],
        "bundle": bundle,
        "engine": engine,
        "variant": variant,
        "endpoint": endpoint,
        "output": kind,
        "duration_s": duration,
    }
    settings = overlaid(
        LiveSettings(), {name: value for name, value in given.items() if value is not None}, {"realtime": True}
    )
    try:
        run_live(settings, "clef-rt demo")
    except PublishError as error:
        if endpoint is not None:
            raise
        say(f"{error.what} The demo takes a free port instead.")
        run_live(overlaid(settings, {"endpoint": "tcp://127.0.0.1:0"}, {}), "clef-rt demo")
