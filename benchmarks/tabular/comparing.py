"""Statistics of errors on many sets, each row a set and each column a method."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

Array = Any

DRAWS = 10_000
"""Resamplings of a bootstrap."""


def normalized(errors: Array, in_scale: Array) -> Array:
    """Return errors on a scale from 0, the lowest of a set, to 1, the highest.

    Only methods in the scale decide the highest; higher errors of others count as 1. Where the
    highest is also the lowest, every other error counts as 1.

    Args:
        errors: (sets, methods).
        in_scale: (methods,), whether a method decides the highest.
    """
    lowest = errors.min(axis=1, keepdims=True)
    highest = errors[:, in_scale].max(axis=1, keepdims=True)
    span = np.where(highest > lowest, highest - lowest, 1.0)
    flat = np.where(errors > lowest, 1.0, 0.0)
    return np.where(highest > lowest, np.minimum((errors - lowest) / span, 1.0), flat)


def ranks(errors: Array) -> Array:
    """Return ranks from 1, the lowest error of a set; equal ones share the mean of their ranks."""
    below = (errors[:, :, None] > errors[:, None, :]).sum(axis=-1)
    equal = (errors[:, :, None] == errors[:, None, :]).sum(axis=-1)
    return below + (equal + 1) / 2


def interval(values: Array, seed: int = 0, draws: int = DRAWS) -> tuple[float, float]:
    """Return the bootstrap's 95 % interval of the mean of a value for each set.

    Differences of two methods make it the paired interval of their difference. Sets are drawn with
    replacement; the ends are the 2.5 and 97.5 percentiles (Efron and Tibshirani 1993, chapter 13).
    """
    means = _times_drawn(len(values), seed, draws) @ values / len(values)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


@cache
def _times_drawn(sets: int, seed: int, draws: int) -> Array:
    """Return how often each resampling has each set (draws, sets)."""
    drawn = np.random.default_rng(seed).integers(sets, size=(draws, sets))
    places = drawn + sets * np.arange(draws)[:, None]
    counts = np.bincount(places.ravel(), minlength=draws * sets)
    return counts.reshape(draws, sets).astype(float)


def standard_errors(differences: Array, tested: float) -> Array:
    """Return the standard errors of the mean differences of two methods over random splits.

    The splits of a set share most rows, so their differences are not independent: their variance
    is multiplied by 1 / splits + test rows / training rows (Nadeau and Bengio, Inference for the
    Generalization Error, Machine Learning 52, 2003).

    Args:
        differences: (sets, splits), at least two splits.
        tested: test rows for each row of training.
    """
    factor = 1 / differences.shape[1] + tested
    return np.sqrt(differences.var(axis=1, ddof=1) * factor)


def geometric_mean(values: Array) -> float:
    """Return the geometric mean of positive values."""
    return float(np.exp(np.mean(np.log(values))))


def wins(ours: Array, theirs: Array) -> tuple[int, int, int]:
    """Return on how many sets our error is lower, equal and higher."""
    return int(np.sum(ours < theirs)), int(np.sum(ours == theirs)), int(np.sum(ours > theirs))
