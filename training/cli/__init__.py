"""`python -m training`: the command line. A file a subject; each adds its commands to the one app."""

from __future__ import annotations

from training.cli import audit, console, evaluate, prepare, protocol, recipe, stages, synthetic, tables
from training.cli.console import app, main

__all__ = [
    "app",
    "audit",
    "console",
    "evaluate",
    "main",
    "prepare",
    "protocol",
    "recipe",
    "stages",
    "synthetic",
    "tables",
]
