"""Training of CLEF: data, two stages, evaluation. Entry point: `python -m training`."""
