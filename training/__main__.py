"""`python -m training`."""

from __future__ import annotations

from training.cli import app, main

__all__ = ["app", "main"]

if __name__ == "__main__":
    main()
