"""Arrays as rows of formatted numbers: small ones whole, large ones by statistics and corners."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from declnet import Array

MOST = 48
"""An array with more elements is large."""

WIDEST = 12
"""An array with longer rows is large."""

EDGE = 2
"""Rows and columns at each corner of a large array."""

GAP = "…"


@dataclass(frozen=True)
class Matrix:
    """A matrix of an array, or its corners, as text.

    Attributes:
        index: the leading indices, e.g. `[0, 15]`; empty for a whole array of at most two axes.
        rows: the numbers, `…` where some are left out.
    """

    index: str
    rows: tuple[tuple[str, ...], ...]


def is_large(array: Array) -> bool:
    """Return whether only corners of an array are shown."""
    return array.size > MOST or (array.ndim > 0 and array.shape[-1] > WIDEST)


def statistics(array: Array) -> str:
    """Return the mean, standard deviation and range of the finite elements of a large array."""
    finite = array[np.isfinite(array)].astype(float)
    if not finite.size:
        return ""
    values = (finite.mean(), finite.std(), finite.min(), finite.max())
    mean, deviation, low, high = (f"{value:.4g}" for value in values)
    if _is_constant(array):
        return f"all {low}"
    return f"mean {mean}, standard deviation {deviation}, from {low} to {high}"


def matrices(array: Array) -> Iterator[Matrix]:
    """Yield the matrices of an array: all if it is small, else the corners of the outer ones.

    A large array of one number has none.
    """
    form, large = _form(array), is_large(array)
    if large and _is_constant(array):
        return
    flat = array.reshape(1, -1) if array.ndim < 2 else array
    leading = flat.shape[:-2]
    chosen = product(*([range(size), sorted({0, size - 1})][large] for size in leading))
    for index in chosen:
        matrix = flat[index]
        rows = _chosen(matrix.shape[0], large)
        columns = _chosen(matrix.shape[1], large)
        yield Matrix(
            f"[{', '.join(map(str, index))}]" if index else "",
            tuple(
                tuple(
                    GAP if row is None or column is None else _shown(matrix[row, column], form)
                    for column in columns
                )
                for row in rows
            ),
        )


def _is_constant(array: Array) -> bool:
    return bool((array == array.flat[0]).all())


def _chosen(size: int, large: bool) -> list[int | None]:
    """Return the rows or columns to show; None for a gap."""
    if not large or size <= 2 * EDGE + 1:
        return list(range(size))
    return [*range(EDGE), None, *range(size - EDGE, size)]


def _form(array: Array) -> str:
    """Return the format of an array's numbers: four decimals unless digits would be lost."""
    if array.dtype.kind in "iub":
        return "d"
    sizes = np.abs(array[np.isfinite(array) & (array != 0)])
    plain = not sizes.size or (sizes.max() < 1e5 and sizes.min() >= 1e-3)
    return ".4f" if plain else ".4e"


def _shown(value: float, form: str) -> str:
    if form == "d":
        return str(int(value))
    if np.isnan(value):
        return "-"
    text = format(float(value) + 0.0, form)  # no negative zero
    return text[1:] if text.startswith("-") and not float(text) else text
