"""`clef-rt live`: sources to scores to the wire, and from the wire to the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from clef_rt.cli import options as own
from clef_rt.errors import ConfigError

if TYPE_CHECKING:
    from clef_rt.config import LiveSettings

__all__ = ["EXAMPLES", "live"]

EXAMPLES = (
    ("clef-rt live 0", "the first webcam"),
    ("clef-rt live rtsp://user:password@10.0.0.7/stream", "an IP camera"),
    ("clef-rt live film.mp4 --json > scores.jsonl", "a film, every frame"),
    ("clef-rt live film.mp4 --realtime", "a film as if live"),
    ("clef-rt live --config clef.yaml", "many cameras"),
)


def live(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE...",
            help="A webcam's number, rtsp://, http(s)://, a video, an image, a folder of images, synthetic://testsrc2. "
            "Several are analysed together.",
            show_default=False,
        ),
    ] = None,
    cameras: Annotated[
        list[str] | None,
        typer.Option(
            "--camera",
            metavar="NAME",
            help="What to call a source (a-z 0-9 _ -), once for each; made from the source by default.",
            rich_help_panel=own.INPUT,
        ),
    ] = None,
    config: own.ConfigFile = None,
    realtime: Annotated[
        bool | None,
        typer.Option(
            "--realtime/--no-realtime",
            help="Play files at their own pace, as if live.",
            show_default=False,
            rich_help_panel=own.INPUT,
        ),
    ] = None,
    loop: Annotated[
        bool | None,
        typer.Option(
            "--loop/--no-loop", help="Begin files again at their end.", show_default=False, rich_help_panel=own.INPUT
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            "--size",
            metavar="WxH",
            help="Picture size to ask of a webcam, such as 1280x720.",
            rich_help_panel=own.INPUT,
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option("--fps", metavar="RATE", help="Frames a second to ask of a webcam.", rich_help_panel=own.INPUT),
    ] = None,
    rtsp_transport: Annotated[
        str | None,
        typer.Option(
            "--rtsp-transport",
            metavar="NAME",
            help="tcp (by default), udp, udp_multicast or http.",
            rich_help_panel=own.INPUT,
        ),
    ] = None,
    retry: Annotated[
        bool | None,
        typer.Option(
            "--retry/--no-retry",
            help="Keep trying sources that can't be opened at the start. Those lost later are always opened again.",
            show_default=False,
            rich_help_panel=own.INPUT,
        ),
    ] = None,
    bundle: own.Bundle = None,
    detector: own.DetectorName = None,
    detect_every: Annotated[
        int | None,
        typer.Option(
            "--detect-every",
            metavar="FRAMES",
            help="Search the whole picture every so many frames, 10 by default; between, faces are followed.",
            rich_help_panel=own.ANALYSIS,
        ),
    ] = None,
    max_faces: Annotated[
        int | None,
        typer.Option(
            "--max-faces",
            help="Of more faces in a frame, the largest are scored; 32 by default.",
            rich_help_panel=own.ANALYSIS,
        ),
    ] = None,
    engine: own.Engine = None,
    variant: own.Variant = None,
    threads: own.Threads = None,
    latest: Annotated[
        bool | None,
        typer.Option(
            "--latest/--lossless",
            help="Drop frames that come too fast (by default for cameras), or hold their source back (for files).",
            show_default=False,
            rich_help_panel=own.ANALYSIS,
        ),
    ] = None,
    endpoint: own.Endpoint = None,
    wire_format: own.WireFormat = None,
    plain: own.Plain = False,
    json: own.Json = False,
    quiet: own.Quiet = False,
    duration: own.Duration = None,
) -> None:
    """Score the faces of cameras or files live, publish the scores, and watch them as a subscriber does.

    It ends when all files have ended, after --duration, or on Ctrl-C, with a summary and exit code 0.
    """
    given: dict[str, Any] = {
        "sources": [{"uri": uri} for uri in sources] if sources else None,
        "bundle": bundle,
        "detector": detector,
        "detect_every": detect_every,
        "max_faces": max_faces,
        "engine": engine,
        "variant": variant,
        "threads": threads,
        "policy": None if latest is None else "latest" if latest else "lossless",
        "retry": retry,
        "endpoint": endpoint,
        "format": wire_format,
        "output": own.output_kind(plain=plain, json=json, quiet=quiet),
        "duration_s": duration,
    }
    opening: dict[str, Any] = {
        "realtime": realtime,
        "loop": loop,
        "size": size,
        "fps": fps,
        "rtsp_transport": rtsp_transport,
    }
    from clef_rt.cli.run import run_live
    from clef_rt.config import LiveSettings, load_config, overlaid

    settings = LiveSettings() if config is None else load_config(config)
    settings = overlaid(
        settings,
        {name: value for name, value in given.items() if value is not None},
        {name: value for name, value in opening.items() if value is not None},
    )
    run_live(_named(settings, cameras or []), "clef-rt live")


def _named(settings: LiveSettings, cameras: list[str]) -> LiveSettings:
    """The settings with names for their sources."""
    from clef_rt.config import overlaid

    if not cameras:
        return settings
    if len(cameras) != len(settings.sources):
        count = len(settings.sources)
        raise ConfigError(f"{count} source(s) but {len(cameras)} --camera.", "Give --camera once for each source.")
    named = [
        {**source.model_dump(exclude_unset=True), "camera": camera}
        for source, camera in zip(settings.sources, cameras, strict=True)
    ]
    return overlaid(settings, {"sources": named}, {})
