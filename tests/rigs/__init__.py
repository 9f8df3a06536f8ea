"""Fake cameras with faults at will, for tests and benchmarks."""
