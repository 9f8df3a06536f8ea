"""Evaluation: from a model's scores and a dataset's labels to figures, intervals, plots, tables and the model card.

Every figure is a pure function over NumPy arrays. `run` brings them together for `python -m training evaluate`.
"""
