"""A checkpoint's parts put together into a bundle, compared with the checkpoint, and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError
from safetensors.numpy import save

from clef_rt._version import __version__
from clef_rt.bundle import Bundle
from clef_rt.bundle.spec import CARD, LABELS, BundleSpec
from clef_rt.bundle.write import write_bundle
from clef_rt.encode import load_encoder
from clef_rt.errors import BundleError
from clef_rt.files import whole_file
from clef_rt.labels import LabelBank
from export.checkpoint import ClefModel, SideFiles, embeddings_of, groups_of, input_of
from export.choose import choose_crops
from export.kinds import Variant, Weights
from export.measure import measure_graphs
from export.onnx import OPSET, export_onnx
from export.parity import refer
from export.plot import differences_png
from export.report import Report
from export.text import export_text
from export.tolerances import TOLERANCES, Tolerances, check
from export.variants import calibration_source, make_graphs

__all__ = ["Request", "export_bundle"]


@dataclass(frozen=True, slots=True)
class Request:
    """What to export, and what to call it.

    Attributes:
        out: the bundle's folder.
        side: the files beside the checkpoint.
        name: None for `clef-<encoder>`.
        version: of the model.
        licence: of the model.
        card: the model card; None for the one beside the checkpoint.
        metrics: likewise.
        thresholds: likewise.
        crops: aligned crops to compare on; None for those of `calibrate`, else made-up ones.
        experimental: labels to mark so, besides those of `experimental.json`.
        weights: how `encoder.onnx` keeps its weights.
        variants: graphs to write besides it.
        calibrate: real crops to calibrate INT8 on; None for those of `crops`.
        tolerances: how far a graph may be from the checkpoint, by its kind.
        fold: of crops in folds: which one is compared on.
    """

    out: Path
    side: SideFiles
    name: str | None = None
    version: str = "0.1.0"
    licence: str = "Apache-2.0"
    card: Path | None = None
    metrics: Path | None = None
    thresholds: Path | None = None
    crops: Path | None = None
    experimental: tuple[str, ...] = field(default=())
    weights: Weights = "float32"
    variants: tuple[Variant, ...] = ()
    calibrate: Path | None = None
    tolerances: Tolerances = field(default_factory=lambda: TOLERANCES)
    fold: int | None = None


def export_bundle(model: ClefModel, request: Request, say: Callable[[str], None]) -> tuple[Bundle, Report]:
    """Export, compare, write, and load what was written.

    Args:
        model: as `load_model` gives it.
        request: what to make of it.
        say: told what is being done, a line each.

    Raises:
        BundleError: parts don't fit, or a graph doesn't score as the checkpoint does. Nothing is written then.
        ConfigError: INT8 is wanted without real crops, or a prepared folder can't be used.
        EncoderError: the encoder can't be exported or run.
        MissingExtra: matplotlib or another library isn't installed.
    """
    side = request.side
    try:
        inputs = input_of(model)
        groups = groups_of(
            model,
            side.mapping("thresholds.json", request.thresholds),
            [*request.experimental, *side.mapping("experimental.json")],
        )
        spec = BundleSpec(
            name=request.name or f"clef-{model.config.encoder}".lower().replace("/", "-"),
            version=request.version,
            created=datetime.now(UTC).date(),
            licence=request.licence,
            provenance={
                **side.mapping("provenance.json"),
                "encoder": model.config.encoder,
                "text_tower": model.config.text_tower,
                "code": f"clef-rt {__version__}",
            },
            input=inputs,
            embedding_dim=model.config.embed_dim,
            groups=groups,
            metrics=side.mapping("metrics.json", request.metrics),
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or error.title
        raise BundleError(f"The checkpoint makes no bundle: {where}: {first['msg']}.") from None
    calibrate = calibration_source(request.variants, request.calibrate, request.crops)
    crops, calibration = choose_crops(request.crops, calibrate, inputs, groups, request.fold)

    say(f"tracing {model.config.encoder} at {inputs.size} px into ONNX")
    traced = export_onnx(model.export_module(), inputs.size, inputs.channels)
    graphs = make_graphs(traced, request.weights, request.variants, calibration, say)

    text = export_text(model, embeddings_of(model), request.weights)
    table = text.table
    say(f"comparing with the checkpoint on {len(crops.faces)} crops")
    found = measure_graphs(graphs, spec, refer(model, crops.faces), LabelBank(groups, table), crops)
    check({kind: graph.parity for kind, graph in found.graphs.items()}, request.tolerances)
    report = Report(
        model=f"{spec.name} {spec.version}",
        opset=OPSET,
        source=crops.source,
        crops=len(crops.faces),
        calibration=0 if calibration is None else len(calibration),
        engine=found.engine,
        graphs=found.graphs,
        tolerances=request.tolerances,
    )
    picture = differences_png(found.differences, report.model, f"{report.crops} crops: {report.source}")

    say(f"writing {request.out}")
    card = side.card(request.card)
    spec = spec.model_copy(update={"metrics": {**spec.metrics, "parity": report.figures()}, "text": text.spec})
    files = {
        **{graph.file: graph.data for graph in graphs},
        **text.files,
        LABELS: save({"embeddings": table}),
        CARD: (card if card is not None else _plain_card(spec)).encode(),
        "parity.json": report.to_json(),
        "parity.md": report.to_markdown().encode(),
    }
    bundle = write_bundle(request.out, spec, files)
    for variant in bundle.variants:
        load_encoder(bundle, "cpu", variant=variant or "fp32")
    _write_beside(bundle.path, picture)
    return bundle, report


def _write_beside(folder: Path, picture: bytes) -> None:
    """Beside, as a bundle holds what the runtime reads, and people's text, but no pictures."""
    target = folder.with_name(f"{folder.name}.parity.png")
    try:
        with whole_file(target) as draft:
            draft.write_bytes(picture)
    except OSError as error:
        raise BundleError(f"{target}: can't be written: {error.strerror or error}.") from None


def _plain_card(spec: BundleSpec) -> str:
    labels = ", ".join(label.name for label in spec.groups.labels)
    return (
        f"# {spec.name} {spec.version}\n\nLicence: {spec.licence}. Exported {spec.created}.\n\nLabels: {labels}.\n\n"
        "No model card was given at export, so nothing is said here of data, figures and limits.\n"
    )
