"""A checkpoint's parts put together into a bundle, compared with the checkpoint, and written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError
from safetensors.numpy import save

from clef_rt._version import __version__
from clef_rt.bundle import Bundle
from clef_rt.bundle_spec import CARD, ENCODER, LABELS, BundleSpec
from clef_rt.bundle_write import write_bundle
from clef_rt.encode import load_encoder
from clef_rt.encode.onnx import OnnxEncoder
from clef_rt.errors import BundleError
from export.checkpoint import ClefModel, SideFiles, embeddings_of, groups_of, input_of
from export.crops import made_up_crops, read_crops
from export.onnx import export_onnx
from export.parity import Parity, measure_parity

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
        crops: aligned crops to compare on; None for made-up ones.
        experimental: labels to mark so, besides those of `experimental.json`.
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


def export_bundle(model: ClefModel, request: Request, say: Callable[[str], None]) -> tuple[Bundle, Parity]:
    """Export, compare, write, and load what was written.

    Args:
        model: as `load_model` gives it.
        request: what to make of it.
        say: told what is being done, a line each.

    Raises:
        BundleError: parts don't fit, or the bundle doesn't score as the checkpoint does. Nothing is written then.
        EncoderError: the encoder can't be exported or run.
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
    crops = read_crops(request.crops, inputs) if request.crops else made_up_crops(inputs)

    say(f"tracing {model.config.encoder} at {inputs.size} px into ONNX")
    graph = export_onnx(model.export_module(), inputs.size, inputs.channels)

    say(f"comparing {len(graph) / 1e6:.1f} MB of ONNX with the checkpoint on {len(crops)} crops")
    table = embeddings_of(model)
    encoder = OnnxEncoder(
        graph,
        size=inputs.size,
        channels=inputs.channels,
        embedding_dim=spec.embedding_dim,
        providers=["CPUExecutionProvider"],
        max_batch=7,  # odd, so that two batch sizes are compared
    )
    parity = measure_parity(model, encoder, groups, table, crops)
    parity.check()

    say(f"writing {request.out}")
    card = side.card(request.card)
    spec = spec.model_copy(update={"metrics": {**spec.metrics, "parity": parity.as_dict()}})
    files = {
        ENCODER: graph,
        LABELS: save({"embeddings": table}),
        CARD: (card if card is not None else _plain_card(spec)).encode(),
        "parity.json": json.dumps(parity.as_dict(), indent=1).encode() + b"\n",
    }
    bundle = write_bundle(request.out, spec, files)
    load_encoder(bundle, providers=["CPUExecutionProvider"])
    return bundle, parity


def _plain_card(spec: BundleSpec) -> str:
    labels = ", ".join(label.name for label in spec.groups.labels)
    return (
        f"# {spec.name} {spec.version}\n\nLicence: {spec.licence}. Exported {spec.created}.\n\nLabels: {labels}.\n\n"
        "No model card was given at export, so nothing is said here of data, figures and limits.\n"
    )
