"""A trial of a bundle that somebody else made: its graphs run in a process with bounded memory and time.

A graph is a program: a few bytes of it may ask for any memory, or never end, and onnxruntime obeys. No check of the
bytes can tell (a tensor may double 40 times), so it is run where it can do no harm.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from clef_rt.bundle import Bundle, load_bundle
from clef_rt.bundle.spec import TEXT
from clef_rt.errors import BundleError, ClefError

__all__ = ["try_bundle"]

BASE_MEMORY: Final = 2 << 30  # of address space: Python and onnxruntime with their libraries take half a GiB of it
GRAPH_COPIES: Final = 8  # bytes, protobuf, weights, weights rearranged: 4 were seen
SECONDS: Final = 120.0
_HINT: Final = "Don't use it, unless you know who made it."
_CHILD: Final = "import sys; sys.path.append(sys.argv[1]); from clef_rt.models.trial import main; main()"


def try_bundle(bundle: Bundle, *, memory: int | None = None, seconds: float = SECONDS) -> None:
    """Load and run every graph of a bundle on the CPU, apart.

    Args:
        bundle: loaded.
        memory: bytes of address space; by default 2 GiB and 8 times the largest graph. Only Linux keeps to it.
        seconds: for all of them together.

    Raises:
        BundleError: one can't be loaded or run, or not within these bounds.
    """
    largest = max(bundle.size_of(name) for name in bundle.spec.files if name.endswith(".onnx"))
    memory = memory or BASE_MEMORY + GRAPH_COPIES * largest
    root = str(Path(__file__).parents[2])
    # -P: what lies in the working folder isn't imported.
    command = [sys.executable, "-P", "-c", _CHILD, root, str(bundle.path.absolute()), str(memory)]
    nothing = subprocess.DEVNULL
    try:
        done = subprocess.run(command, stdin=nothing, stdout=subprocess.PIPE, stderr=nothing, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise BundleError(f"{bundle.path}: its graphs didn't end within {seconds:.0f} s.", _HINT) from None
    except OSError as error:
        raise BundleError(f"{bundle.path}: no process can be started to try it: {error.strerror}.") from None
    try:
        verdict = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        how = f"ended with {done.returncode}" if done.returncode >= 0 else f"was killed by signal {-done.returncode}"
        raise BundleError(
            f"{bundle.path}: its graphs break onnxruntime, or need more than {memory >> 20} MiB ({how}).", _HINT
        ) from None
    if verdict:
        raise BundleError(f"{bundle.path}: {verdict['what']}", verdict["hint"])


def main() -> None:
    """What the other process runs: the verdict goes to stdout, as a line of JSON; {} is well."""
    path, memory = sys.argv[2], int(sys.argv[3])
    _bound(memory)
    verdict: dict[str, str] = {}
    try:
        _run(load_bundle(path))
    except ClefError as error:
        verdict = {"what": error.what, "hint": error.hint}
    except MemoryError:
        verdict = {"what": f"its graphs need more than {memory >> 20} MiB.", "hint": _HINT}
    except Exception as error:  # a mistake of ours, that is told and not taken for the bundle's
        verdict = {"what": f"its graphs can't be tried: {type(error).__name__}: {error}"[:500], "hint": ""}
    print(json.dumps(verdict), flush=True)
    os._exit(0)  # past whatever onnxruntime would still do


def _run(bundle: Bundle) -> None:
    import numpy as np

    from clef_rt.encode import load_encoder
    from clef_rt.text.projection import Projection

    shape = (32, bundle.spec.input.size, bundle.spec.input.size, bundle.spec.input.channels)
    for variant in bundle.variants:
        encoder = load_encoder(bundle, "cpu", variant=variant or "fp32", threads=1)
        encoder.encode(np.zeros(shape, np.uint8))
    if bundle.spec.text and TEXT in bundle.spec.files:
        width = bundle.spec.text.features
        project = Projection(bundle.read(TEXT), width, bundle.spec.embedding_dim, str(bundle.path))
        project(np.full((32, width), width**-0.5, np.float32))


def _bound(memory: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
