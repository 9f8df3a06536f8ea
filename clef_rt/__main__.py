"""`python -m clef_rt`: the same as `clef-rt`."""

from clef_rt.cli import main

main()
