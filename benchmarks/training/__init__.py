"""Measures training: what a step takes and where, and how fast crops are read beside it."""
