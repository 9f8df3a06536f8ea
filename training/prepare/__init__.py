"""Pack a manifest's faces: aligned crops in one array, and the manifest of just those rows."""

from __future__ import annotations

from training.prepare.folder import CROPS, FACTS, MANIFEST, REJECTED, Facts, Prepared
from training.prepare.run import prepare

__all__ = ["CROPS", "FACTS", "MANIFEST", "REJECTED", "Facts", "Prepared", "prepare"]
