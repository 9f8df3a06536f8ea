"""The version, read by the build and by `clef_rt.__version__`."""

__version__ = "0.1.0"
