"""The clipping of predicted probabilities near 0 and 1."""

SMALLEST = 1e-7
"""Predictions are clipped to [SMALLEST, 1 - SMALLEST], in a loss and in its gradient."""
