"""How fast the runtime is, how old its scores are, and whether a change made it better: `python -m benchmarks`."""
