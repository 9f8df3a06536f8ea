"""The bundle: everything the runtime needs of a model, as a folder or one `.clef` file, loaded strictly.

    bundle = load_bundle()                    # the embedded default; or load_bundle("folder/or/file.clef")
    bundle.spec.groups.au.labels[0].name
    bundle.embeddings                         # (rows, d) float32
    bundle.encoder_bytes()                    # what onnxruntime loads

Each file is held against its sha256, and nothing that runs code is read (no pickle). The hashes show damage and
mistakes, not malice: whoever writes a bundle writes its hashes as well.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clef_rt.bundle.files import BundleFiles, digest, open_files, outside_weights, read
from clef_rt.bundle.spec import CARD, ENCODER, LABELS, SPEC, TEXT, BundleSpec, parse_spec
from clef_rt.bundle.store import pulled_bundle, pulled_bundles
from clef_rt.errors import BundleError

__all__ = ["Bundle", "BundleSpec", "embedded_bundles", "list_bundles", "load_bundle"]

EMBEDDED: Final = Path(__file__).parents[1] / "bundles"
DEFAULT: Final = "edge"
AGAIN: Final = "Export the bundle again, or fetch it anew."
MAX_HEADER: Final = 64 << 10  # ours has 80 bytes; safetensors itself would parse up to 100 MB of JSON


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A model bundle whose every file has been checked.

    Attributes:
        spec: what `bundle.json` says.
        path: the folder or archive.
        embeddings: (rows, d) float32, rows of length 1, read-only: the prompts' text embeddings.
        sha256: of `bundle.json`, and through the hashes in it of all the rest: the bundle's identity.
    """

    spec: BundleSpec
    path: Path
    embeddings: NDArray[np.float32]
    sha256: str
    _files: BundleFiles = field(repr=False)

    @property
    def variants(self) -> tuple[str, ...]:
        """The encoders in it: "" for `encoder.onnx`, "fp16" for `encoder.fp16.onnx`, and so on."""
        stems = (name.split(".")[1:-1] for name in sorted(self.spec.files) if name.startswith("encoder."))
        return tuple(sorted(".".join(stem) for stem in stems))

    def encoder_bytes(self, variant: str = "") -> bytes:
        """The encoder's ONNX graph, read anew and held against its hash again, so nothing stays in memory.

        Args:
            variant: as in `variants`.
        """
        return self.read(f"encoder.{variant}.onnx" if variant else ENCODER)

    def size_of(self, name: str) -> int:
        """Bytes of one of the files in `spec.files`, by the listing of the folder or archive."""
        return self._files.sizes()[name]

    def card(self) -> str:
        """The model card, Markdown."""
        return self.read(CARD).decode(errors="replace")

    def read(self, name: str) -> bytes:
        """One file of the bundle.

        Raises:
            BundleError: there is no such file, it has changed since, or it is a graph with weights in other files.
        """
        if name not in self.spec.files:
            raise BundleError(
                f"{self.path}: the bundle has no {name}.", f"It has {', '.join(sorted(self.spec.files))}."
            )
        data = read(self._files, name)
        _check_hash(self.path, name, hashlib.sha256(data).hexdigest(), self.spec)
        if name.endswith(".onnx") and outside_weights(data):
            raise BundleError(
                f"{self.path}: {name} keeps weights in other files.", "Export it with external_data=False."
            )
        return data


def load_bundle(source: str | os.PathLike[str] | None = None) -> Bundle:
    """Load and check a bundle.

    Args:
        source: a bundle's folder, a `.clef` file, the name of an embedded or pulled bundle (`list_bundles`), or None
            (or `default`) for the embedded default, `edge`. Nothing is downloaded: `clef-rt models pull` does that.

    Raises:
        BundleError: it is missing, damaged, incomplete, of another schema version, or inconsistent. The message
            names the file.
    """
    files = open_files(_locate(source))
    path = files.path
    present = files.sizes()
    if SPEC not in present:
        raise BundleError(f"{path}: there is no {SPEC}, so this is no bundle.", "Give a bundle's folder or .clef file.")
    raw = read(files, SPEC)
    spec = parse_spec(raw, str(path))
    _check_complete(path, present, spec)
    for name in sorted(spec.files.keys() - {LABELS}):
        _check_hash(path, name, digest(files, name), spec)
    table = read(files, LABELS)
    _check_hash(path, LABELS, hashlib.sha256(table).hexdigest(), spec)
    embeddings = _read_embeddings(path, table, spec)
    return Bundle(spec, path, embeddings, hashlib.sha256(raw).hexdigest(), files)


def list_bundles() -> dict[str, Path]:
    """The bundles that can be loaded by name, with their folder or file: the embedded ones, then the pulled ones."""
    embedded = embedded_bundles()
    return embedded | {name: path for name, path in pulled_bundles().items() if name not in embedded}


def embedded_bundles() -> dict[str, Path]:
    """Those that came with the package."""
    return {spec.parent.name: spec.parent for spec in sorted(EMBEDDED.glob(f"*/{SPEC}"))}


def _locate(source: str | os.PathLike[str] | None) -> Path:
    name = DEFAULT if source is None or source == "default" else os.fspath(source)
    if path := embedded_bundles().get(name) or pulled_bundle(name):
        return path
    if os.path.exists(name):  # unlike Path.exists, False for names that no file can have, and for ""
        return Path(name)
    known = ", ".join(list_bundles()) or "none here"
    raise BundleError(
        f"No bundle at {name[:200]!r}.",
        f"Give a bundle's folder, a .clef file, or a name ({known}); `clef-rt models pull` fetches others.",
    )


def _check_complete(path: Path, present: dict[str, int], spec: BundleSpec) -> None:
    listed = spec.files.keys()
    needed = {ENCODER, LABELS, CARD} | ({TEXT} if spec.text and not spec.text.tuned else set())
    if missing := sorted(needed - listed):
        raise BundleError(f"{path}: {SPEC} lists no {', '.join(missing)}.", AGAIN)
    if missing := sorted(listed - present.keys()):
        raise BundleError(f"{path}: {', '.join(missing)} is missing.", AGAIN)
    if extra := sorted(present.keys() - listed - {SPEC}):
        raise BundleError(f"{path}: {', '.join(extra)} isn't listed in {SPEC}.", "Remove it from the bundle.")


def _check_hash(path: Path, name: str, actual: str, spec: BundleSpec) -> None:
    expected = spec.files[name]
    if actual != expected:
        what = f"{path}: {name} isn't the file that {SPEC} lists (sha256 {actual[:8]}…, expected {expected[:8]}…)."
        raise BundleError(what, AGAIN)


def _read_embeddings(path: Path, data: bytes, spec: BundleSpec) -> NDArray[np.float32]:
    where = f"{path}: {LABELS}"
    if int.from_bytes(data[:8], "little") > MAX_HEADER:
        raise BundleError(f"{where}: its header is larger than {MAX_HEADER >> 10} KiB.", AGAIN)
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors = load(data)
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:  # the latter: unknown dtypes
        raise BundleError(f"{where} is no safetensors file: {error}.", AGAIN) from None
    table = tensors.get("embeddings")
    if table is None or len(tensors) != 1:
        raise BundleError(f"{where} must hold the one tensor 'embeddings'; it has {sorted(tensors)}.", AGAIN)
    if table.dtype != np.float32 or table.ndim != 2 or table.shape[1] != spec.embedding_dim:
        found = f"{table.dtype} {table.shape}"
        raise BundleError(f"{where}: embeddings are {found}, not float32 (rows, {spec.embedding_dim}).", AGAIN)
    lengths = np.sqrt(np.einsum("ij,ij->i", table, table, dtype=np.float64))  # without a copy in float64
    if not np.all(np.abs(lengths - 1) < 1e-3):  # NaN fails as well
        raise BundleError(f"{where}: row {int(np.argmin(np.abs(lengths - 1) < 1e-3))} isn't of length 1.", AGAIN)
    wanted = {f"label {label.name}": max(label.all_rows) for label in spec.groups.labels}
    wanted |= {"the text's probe": spec.text.probe_row} if spec.text else {}
    for name, row in wanted.items():
        if row >= len(table):
            raise BundleError(f"{where} has {len(table)} rows; {name} asks for row {row}.", AGAIN)
    table.flags.writeable = False
    return table
