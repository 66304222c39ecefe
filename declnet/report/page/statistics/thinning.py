"""Leaves points out that nobody would see."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from declnet.components.arrays import Array


def curve_positions(y: Array, most: int) -> Array:
    """Which points of a curve to draw, in order: its ends, and the extremes of each stretch.

    Args:
        y: (n,) finite numbers, in the order of the curve.
        most: how many points to keep, about; at least 4.
    """
    n = len(y)
    if n <= most:
        return np.arange(n)
    edges = np.linspace(0, n, most // 2 + 1).astype(np.intp)
    kept = {0, n - 1}
    for start, end in pairwise(edges):
        stretch = y[start:end]
        kept |= {int(start + stretch.argmin()), int(start + stretch.argmax())}
    return np.array(sorted(kept))


def even_positions(n: int, most: int) -> Array:
    """At most that many of n positions, evenly spread."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.intp)
