"""From a trained checkpoint to a bundle that the runtime loads: `python -m export bundle CHECKPOINT --out FOLDER`."""
