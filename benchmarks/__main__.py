"""`python -m benchmarks`: the command line."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer
from rich.console import Console
from rich.markup import escape

from clef_rt.errors import ClefError

if TYPE_CHECKING:
    from benchmarks.gather import Gathered
    from benchmarks.training.run import Measured

app = typer.Typer(
    help="Measure CLEF-RT: frames a second, latency, and what a change has brought.",
    no_args_is_help=True,
    add_completion=False,
)
_RESULTS: Final = Path(__file__).parent / "results"
_WIDTH: Final = 110

Source = Annotated[
    str | None,
    typer.Argument(help="A video; without it clips with 1 and with 4 faces are made.", show_default=False),
]
Faces = Annotated[
    list[int] | None, typer.Option("--faces", metavar="N", help="Faces in a clip, repeatable; 1 and 4 by default.")
]
Bundle = Annotated[str | None, typer.Option(help="A bundle's folder, .clef file or name; else the embedded default.")]
Detector = Annotated[str, typer.Option(help="auto, clef, yunet, scrfd, yunet:FILE, scrfd:FILE.")]
DetectEvery = Annotated[int, typer.Option(min=1, help="The detector searches every so many frames.")]
Engine = Annotated[str, typer.Option(help="As for `clef-rt live`: auto, tensorrt, ort-tensorrt, cuda, cpu, openvino.")]
Variant = Annotated[str, typer.Option(help="Likewise: auto, fp32, fp16, int8.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Of the encoder and of OpenCV.", show_default="all cores")]
Repeats = Annotated[int, typer.Option(min=1, help="The time is spent in so many runs; their spread is the noise.")]
Out = Annotated[Path, typer.Option(help="Where .json and .png go.", show_default="benchmarks/results")]
NoPlot = Annotated[bool, typer.Option("--no-plot", help="Draw no picture.")]


@app.command()
def fps(
    source: Source = None,
    faces: Faces = None,
    seconds: Annotated[float, typer.Option(min=0.5, help="For the whole runtime; a fifth for each stage.")] = 15.0,
    repeats: Repeats = 3,
    bundle: Bundle = None,
    detector: Detector = "auto",
    detect_every: DetectEvery = 10,
    engine: Engine = "auto",
    variant: Variant = "auto",
    threads: Threads = None,
    out: Out = _RESULTS,
    no_plot: NoPlot = False,
) -> None:
    """How many frames a second each stage can do alone, and the whole runtime up to a subscriber."""
    from benchmarks.fps import measure_fps
    from benchmarks.gather import Gathered
    from benchmarks.model import ModelOptions
    from benchmarks.plan import Plan

    model = ModelOptions(
        bundle=bundle, detector=detector, detect_every=detect_every, engine=engine, variant=variant, threads=threads
    )
    plan = Plan(source, faces or (), seconds, repeats, model, _sayer())
    gathered = Gathered()
    _finish("fps", gathered, lambda: measure_fps(plan, gathered), out, no_plot)


@app.command()
def latency(
    source: Annotated[
        str | None,
        typer.Argument(
            help="A video, played in real time; or a live source as it is. Without it clips with 1 and with 4 "
            "faces are made.",
            show_default=False,
        ),
    ] = None,
    faces: Faces = None,
    via: Annotated[
        list[str] | None,
        typer.Option(
            metavar="file|rtsp",
            help="How a video is played: by the runtime at its own pace, or by an RTSP camera on this machine; "
            "repeatable. Both by default, where GStreamer's RTSP server is installed.",
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.5, help="For each case, over all repeats.")] = 30.0,
    repeats: Repeats = 3,
    bundle: Bundle = None,
    detector: Detector = "auto",
    detect_every: DetectEvery = 10,
    engine: Engine = "auto",
    variant: Variant = "auto",
    threads: Threads = None,
    out: Out = _RESULTS,
    no_plot: NoPlot = False,
) -> None:
    """How old scores are when they reach a subscriber, stage by stage, at the source's own pace."""
    from benchmarks.gather import Gathered
    from benchmarks.latency import VIAS, measure_latency
    from benchmarks.model import ModelOptions
    from benchmarks.plan import Plan

    if wrong := [name for name in via or () if name not in VIAS]:
        raise typer.BadParameter(f"{wrong[0]!r} is neither file nor rtsp", param_hint="--via")
    model = ModelOptions(
        bundle=bundle, detector=detector, detect_every=detect_every, engine=engine, variant=variant, threads=threads
    )
    plan = Plan(source, faces or (), seconds, repeats, model, _sayer())
    gathered = Gathered()
    vias = [name for name in VIAS if name in (via or ())]
    _finish("latency", gathered, lambda: measure_latency(plan, gathered, vias), out, no_plot)


Accelerator = Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")]
Precision = Annotated[str, typer.Option(help="As Lightning Fabric has them: bf16-mixed, 32-true …")]


@app.command()
def train(
    encoder: Annotated[
        str, typer.Option(help="convnet-s, convnet-m (80 px, luminance), clip-vit-b16 (224 px, RGB).")
    ] = "convnet-s",
    stage: Annotated[Literal["1", "2", "both"], typer.Option(help="Which is measured.")] = "both",
    size: Annotated[
        int | None, typer.Option(min=16, help="Side of the crops, px.", show_default="the encoder's")
    ] = None,
    batch: Annotated[str, typer.Option(help="Faces a step; auto doubles them while that pays.")] = "auto",
    steps: Annotated[int, typer.Option(min=2, help="Steps that count.")] = 20,
    warm_up: Annotated[int, typer.Option(min=1, help="Steps before them.")] = 5,
    precision: Precision = "bf16-mixed",
    accelerator: Accelerator = "auto",
    compile: Annotated[bool, typer.Option("--compile", help="Compile the encoder.")] = False,  # noqa: A002
    init: Annotated[
        Literal["random", "pretrained"], typer.Option(help="CLIP's weights; the time is the same.")
    ] = "random",
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any setting of a run, repeatable: see docs/training.md."),
    ] = None,
    profile: Annotated[bool, typer.Option("--profile", help="Also list operators, and write a trace.")] = False,
    out: Annotated[Path, typer.Option(help="Where .json and .md go.", show_default="benchmarks/results")] = _RESULTS,
) -> None:
    """What a training step takes: images a second, its parts, and the share of the chip's peak. Needs no data."""
    if batch != "auto" and not (batch.isdecimal() and int(batch) >= 2):
        raise typer.BadParameter(f"{batch!r} is neither auto nor a number from 2 on", param_hint="--batch")
    from benchmarks.training.run import Measured, Options, measure_training
    from training.config import parse_changes

    named = {
        "loop.precision": precision,
        "loop.accelerator": accelerator,
        "loop.compile": compile,
        "model.init": init,
    }
    options = Options(
        encoder=encoder,
        stages=(1, 2) if stage == "both" else (int(stage),),
        size=size,
        batch=None if batch == "auto" else int(batch),
        steps=steps,
        warm_up=warm_up,
        changes=named | parse_changes(changes or ()),
        profile=profile,
    )
    measured = Measured()
    _finish_training("train", measured, lambda: measure_training(options, measured, out, _sayer()), out)


@app.command()
def loader(
    repeats: Repeats = 3,
    steps: Annotated[int, typer.Option(min=0, help="Of the training beside it; 0 for none.")] = 5,
    precision: Precision = "bf16-mixed",
    accelerator: Accelerator = "auto",
    out: Annotated[Path, typer.Option(help="Where .json and .md go.", show_default="benchmarks/results")] = _RESULTS,
) -> None:
    """How many crops a second training can read, and how many its step takes on this machine. Needs no data."""
    from benchmarks.training.run import Measured, measure_loading

    measured = Measured()
    _finish_training(
        "loader",
        measured,
        lambda: measure_loading(
            measured, repeats=repeats, steps=steps, accelerator=accelerator, precision=precision, say=_sayer()
        ),
        out,
    )


@app.command()
def detectors(
    data: Annotated[
        Path, typer.Option(help="Folder with media, real_faces, mediapipe, yunet, scrfd_noncommercial; some may lack.")
    ] = Path("data"),
    sheets: Annotated[int, typer.Option(min=1, help="Pictures made up of faces before photographs without.")] = 300,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds of timing.")] = 5,
    out: Annotated[Path, typer.Option(help="Where .json and .md go.", show_default="benchmarks/results")] = _RESULTS,
) -> None:
    """How many faces each detector finds at how many false ones, where its landmarks lie, and how long it takes."""
    from rich.markdown import Markdown

    from benchmarks.detectors import measure_detectors
    from benchmarks.detectors_report import to_markdown, write

    command = shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]])
    report = measure_detectors(data, sheets=sheets, repeats=repeats, command=command, say=_sayer())
    console = _console()
    console.print(Markdown(to_markdown(report)))
    written = write(report, out)
    console.print("written: " + ", ".join(str(file) for file in written), highlight=False, soft_wrap=True)


@app.command("zero-shot")
def zero_shot(
    bundle: Annotated[str, typer.Argument(help="A bundle with a text side: folder, .clef file or name.")],
    folders: Annotated[list[Path], typer.Argument(help="Prepared folders; their test faces are taken.")],
    labels: Annotated[
        Path | None, typer.Option(help="What to try, as in benchmarks/zero_shot.yaml.", show_default=False)
    ] = None,
) -> None:
    """How well labels defined by text alone tell faces apart, as Markdown on stdout."""
    from benchmarks.zero_shot import TRIALS, markdown, measure, read_trials
    from clef_rt.bundle import load_bundle
    from clef_rt.text import load_text_encoder

    trials, model = read_trials(labels or TRIALS), load_bundle(bundle)
    texts = load_text_encoder(model)
    for folder in folders:
        print(f"`{folder.name}`:\n\n{markdown(measure(model, texts, folder, trials))}")


@app.command()
def engines(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ENGINE[:VARIANT]...",
            help="Such as cpu, cpu:int8, openvino, cuda:fp32, tensorrt; cpu and auto by default.",
            show_default=False,
        ),
    ] = None,
    batches: Annotated[
        list[int] | None,
        typer.Option("--batch", min=1, metavar="N", help="Faces at once, repeatable; 1, 4 and 8 by default."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each engine and size.")] = 40,
    bundle: Bundle = None,
    threads: Threads = None,
) -> None:
    """How long the encoder takes on each engine, run in turn, and how far they lie apart."""
    from rich.markdown import Markdown

    from benchmarks.engines import measure_engines, to_markdown

    pairs = [name.partition(":") for name in names or ("cpu", "auto")]
    timings = measure_engines(
        bundle,
        [(engine, variant or "auto") for engine, _, variant in pairs],
        batches=batches or (1, 4, 8),
        repeats=repeats,
        threads=threads,
        say=_sayer(),
    )
    _console().print(Markdown(to_markdown(timings)))


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="A .json report.", show_default=False)],
    after: Annotated[Path, typer.Argument(help="Another of the same kind.", show_default=False)],
) -> None:
    """What a change has brought: ratios of two reports, and whether they are more than noise."""
    from benchmarks.compare import caveats
    from benchmarks.compare import compare as run
    from benchmarks.report import read_report
    from benchmarks.tables import changes_table

    old, new = read_report(before), read_report(after)
    console = _console()
    console.print(changes_table(run(old, new), (before.stem, after.stem)))
    for line in caveats(old, new):
        console.print(f"[yellow]{escape(line)}[/]")


def _finish(
    kind: Literal["fps", "latency"], gathered: Gathered, measure: Callable[[], None], out: Path, no_plot: bool
) -> None:
    """Measure, and report what there is, also after Ctrl-C."""
    from benchmarks.plots import plot
    from benchmarks.report import write_report
    from benchmarks.tables import case_table, report_head
    from clef_rt.sources import redact

    try:
        measure()
    except KeyboardInterrupt:
        gathered.interrupted = True
    command = shlex.join(["python", "-m", "benchmarks", *map(redact, sys.argv[1:])])
    report = gathered.report(kind, command)
    if report is not None:
        console = _console()
        for line in report_head(report):
            console.print(line, highlight=False)
        for case in report.cases:
            console.print()
            console.print(case_table(case))
        path = write_report(report, out)
        written = [path]
        if not no_plot:
            plot(report, path.with_suffix(".png"))
            written.append(path.with_suffix(".png"))
        console.print("written: " + ", ".join(str(file) for file in written), highlight=False, soft_wrap=True)
    elif gathered.interrupted:
        Console(stderr=True).print("Broken off before anything was measured.")
    if gathered.interrupted:
        sys.exit(130)


def _finish_training(
    kind: Literal["train", "loader"], measured: Measured, measure: Callable[[], None], out: Path
) -> None:
    """Measure, and report what there is, also after Ctrl-C."""
    from rich.markdown import Markdown

    from benchmarks.training.markdown import to_markdown
    from benchmarks.training.report import write

    try:
        measure()
    except KeyboardInterrupt:
        measured.interrupted = True
    report = measured.report(kind, shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]))
    if report is not None:
        text = to_markdown(report)
        console = _console()
        console.print(Markdown(text))
        written = write(report, text, out)
        console.print("written: " + ", ".join(str(file) for file in written), highlight=False, soft_wrap=True)
    elif measured.interrupted:
        Console(stderr=True).print("Broken off before anything was measured.")
    if measured.interrupted:
        sys.exit(130)


def _sayer() -> Callable[[str], None]:
    console = Console(stderr=True)
    begun = time.perf_counter()

    def say(line: str) -> None:
        console.print(f"[dim]{time.perf_counter() - begun:6.1f} s[/]  {escape(line)}", highlight=False)

    return say


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _WIDTH)


def main() -> None:
    """Run the command line. An error of ours is one line on stderr, and exit code 2."""
    sys.setswitchinterval(0.0005)  # as `clef-rt` does
    try:
        app()
    except ClefError as error:
        Console(stderr=True).print(f"[bold red]error[/]: {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
