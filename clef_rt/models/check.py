"""All that can be checked of a bundle, again: its hashes, what was pulled, and a trial of its encoders."""

from __future__ import annotations

from clef_rt.bundle import Bundle, embedded_bundles, load_bundle
from clef_rt.bundle.store import origin_of, pulled_bundle
from clef_rt.errors import BundleError
from clef_rt.files import sha256_of
from clef_rt.models.trial import try_bundle

__all__ = ["check"]


def check(source: str) -> Bundle:
    """Check a bundle.

    Args:
        source: as `load_bundle` takes it.

    Raises:
        BundleError: it is damaged, or not what was pulled, or its encoder can't be run within bounds.
    """
    bundle = load_bundle(source)
    if source not in embedded_bundles() and (path := pulled_bundle(source)):
        origin = origin_of(source)
        if origin and sha256_of(path) != origin.sha256:
            raise BundleError(f"{path} isn't the file that was pulled from {origin.source}.", "Pull it with --force.")
    try_bundle(bundle)
    return bundle
