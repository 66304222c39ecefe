"""The grid on which components of every kind are tried: numbers of samples, and values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from declnet import Array

SIZES = (1, 2, 3, 4, 10, 65, 200)
"""Numbers of samples in a batch, or of rows in a column."""

MAGNITUDES = (5.0, 30.0, 1e3, 1e4)


def _of_magnitude(size: float) -> Callable[[Array], Array]:
    return lambda x: np.copysign(size, x)


VALUES: dict[str, Callable[[Array], Array]] = {
    "zeros": np.zeros_like,
    "ones": np.ones_like,
    "integers": lambda x: np.rint(3 * x),
    "tiny numbers": lambda x: 1e-30 * x,
    "small numbers": lambda x: 1e-3 * x,
    "normal numbers": lambda x: x,
    **{f"numbers of ±{size:g}": _of_magnitude(size) for size in MAGNITUDES},
}
"""What an input may hold, made of normal numbers."""

SCALES = np.geomspace(0.01, 100, 24)
"""Sizes of numbers at which gradients are compared, so that each branch is reached."""


def on_grid(x: Array) -> Array:
    """Return samples, the first of which hold the `VALUES` in turn."""
    y, makers = x.copy(), list(VALUES.values())
    for row in range(len(x)):
        y[row] = makers[row % len(makers)](x[row])
    return y
