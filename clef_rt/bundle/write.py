"""Writing bundles: a folder that is whole or not there at all, and an archive that is the same bytes each time."""

from __future__ import annotations

import ctypes
import hashlib
import os
import secrets
import shutil
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from clef_rt.bundle import Bundle, load_bundle
from clef_rt.bundle.spec import SPEC, BundleSpec, parse_spec
from clef_rt.errors import BundleError

__all__ = ["pack", "write_bundle"]


def write_bundle(folder: str | os.PathLike[str], spec: BundleSpec, files: Mapping[str, bytes]) -> Bundle:
    """Write a bundle, check it as `load_bundle` does, and only then put it in its place.

    Args:
        folder: where it goes. A bundle that is there is replaced; any other folder with something in it isn't.
        spec: what `bundle.json` shall say; its `files` are filled in here.
        files: contents by name: `encoder.onnx`, `labels.safetensors`, `MODEL_CARD.md` and whatever else belongs.

    Raises:
        BundleError: the parts don't make a valid bundle, or the place is taken. The place is as it was.
    """
    target = Path(folder).absolute()
    if target.exists() and not (target / SPEC).is_file() and not (target.is_dir() and not any(target.iterdir())):
        raise BundleError(f"{target} is there and is no bundle.", "Choose another place, or remove it.")
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    # Parsed, for model_copy checks nothing, and a file's name may be a path.
    whole = parse_spec(spec.model_copy(update={"files": hashes}).to_json(), str(target))
    # Beside the target, so that the move stays within one file system.
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        draft.mkdir(parents=True)
        for name, data in {**files, SPEC: whole.to_json()}.items():
            _write(draft / name, data)
        load_bundle(draft)
        _swap(draft, target)
    except BundleError as error:
        raise BundleError(error.what.replace(str(draft), str(target)), error.hint) from None
    except OSError as error:
        raise BundleError(f"{target}: can't be written: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return load_bundle(target)


def pack(folder: str | os.PathLike[str], archive: str | os.PathLike[str]) -> Path:
    """Pack a bundle into one `.clef` file.

    Stored, not deflated: weights don't compress, and zlib's versions differ in their bytes. Names in order and times
    fixed, so the same bundle gives the same file everywhere.

    Raises:
        BundleError: the folder holds no valid bundle, or the archive can't be written.
    """
    bundle = load_bundle(folder)
    target = Path(archive).absolute()
    if target.suffix != ".clef":
        raise BundleError(f"{target}: a packed bundle's name ends in .clef.", f"Call it {target.stem}.clef.")
    if not bundle.path.is_dir():
        raise BundleError(f"{bundle.path} is packed already.", "Give the bundle's folder, or copy the file.")
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as packed:
            for name in (SPEC, *sorted(bundle.spec.files)):
                entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                entry.create_system, entry.external_attr = 3, 0o100644 << 16
                with packed.open(entry, "w") as out, open(bundle.path / name, "rb") as file:
                    shutil.copyfileobj(file, out, 1 << 20)
        load_bundle(draft)
        os.replace(draft, target)
    except OSError as error:
        raise BundleError(f"{target}: can't be written: {error.strerror or error}.") from None
    finally:
        if draft.exists():
            draft.unlink()
    return target


def _exchange(one: Path, other: Path) -> bool:
    """Let two paths change places at once: Linux's renameat2. False where there is no such thing."""
    if sys.platform != "linux":
        return False
    try:
        rename = ctypes.CDLL(None).renameat2
    except (OSError, AttributeError):  # an old libc, or musl
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return int(rename(here, os.fsencode(one), here, os.fsencode(other), exchange)) == 0


def _write(path: Path, data: bytes) -> None:
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _swap(draft: Path, target: Path) -> None:
    """Put `draft` in the place of `target`, in one step where the system can; else what is there steps aside first."""
    if not target.exists() or not any(target.iterdir()):
        os.replace(draft, target)
        return
    if _exchange(draft, target):
        return  # what was there is called `draft` now, and goes with it
    aside = draft.with_suffix(".old")
    os.replace(target, aside)
    try:
        os.replace(draft, target)
    except OSError:
        os.replace(aside, target)
        raise
    shutil.rmtree(aside, ignore_errors=True)
