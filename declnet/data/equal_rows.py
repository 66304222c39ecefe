"""Rows with equal features: which they are, and whether there are more than by chance."""

from __future__ import annotations

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.table import Table

SAMPLED = 5000
"""Maximum number of rows by which a table is judged."""
FAR = 10.0
"""How many times as frequent as by chance equal rows are if they are copies."""
COPIED, FEWEST_COPIES, FEWEST_DIFFERENT = 0.005, 3, 10
"""Share and number of copied rows that matter, and different rows of each class to divide them."""


def has_copies(table: Table, names: tuple[str, ...], classes: Array | None = None) -> bool:
    """Return whether more rows of a table are equal in some columns than by chance.

    Args:
        table: the table.
        names: the columns, e.g. the features.
        classes: the class of each row, (n,): False if some class has few different rows, which
            could not be divided.
    """
    hashes = row_hashes(table, names)
    _, first, which = np.unique(hashes, return_index=True, return_inverse=True)
    copies = len(table) - len(first)
    if copies < max(COPIED * len(table), FEWEST_COPIES):
        return False
    if copies < FAR * min(1.0, len(table) * chance_of_equal_rows(table, names)) * len(table):
        return False
    if classes is None:
        return True
    labels = np.unique(classes, return_inverse=True)[1].reshape(-1)
    different = np.unique(labels * len(first) + which.reshape(-1)) // len(first)
    return bool(np.bincount(different).min() >= FEWEST_DIFFERENT)


def first_equal_rows(table: Table) -> Array:
    """Return for each row the position of the first one with the same features, (n,)."""
    hashes = row_hashes(table, table.feature_columns)
    _, first, which = np.unique(hashes, return_index=True, return_inverse=True)
    positions: Array = first[which.reshape(-1)]
    return positions


def row_hashes(table: Table, names: tuple[str, ...]) -> Array:
    """Return a hash of each row's features, 64 bits, (n,)."""
    hashes = np.zeros(len(table), np.uint64)
    for name in names:
        column = table.columns[name]
        if column.dtype.kind == "O":
            bits = np.fromiter(map(hash, column), np.int64, len(column)).view(np.uint64)
        else:
            numbers = column.astype(float) + 0.0  # so that -0 and 0 are equal
            bits = np.where(np.isnan(numbers), np.nan, numbers).view(np.uint64)
        hashes = _mixed(hashes ^ bits)
    return hashes


def _mixed(bits: Array) -> Array:
    """Return well mixed bits, by the finalizer of MurmurHash3 (Appleby 2011)."""
    with np.errstate(over="ignore"):
        bits = (bits + np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xFF51AFD7ED558CCD)
        bits = (bits ^ (bits >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
        mixed: Array = bits ^ (bits >> np.uint64(33))
    return mixed


def chance_of_equal_rows(table: Table, names: tuple[str, ...]) -> float:
    """Return how probable two of the different rows would be equal if columns were independent.

    It is 1 if columns have so few values that there are hardly more combinations than rows.
    """
    part = table.take(spread(len(table)))
    _, different = np.unique(row_hashes(part, names), return_index=True)
    part, count, chance, combinations = part.take(different), len(different), 1.0, 1.0
    for name in names:
        _, counts = np.unique(row_hashes(part, (name,)), return_counts=True)
        chance *= float((counts * (counts - 1)).sum()) / max(count * (count - 1), 1)
        combinations *= len(counts)
    return 1.0 if combinations < FAR * len(table) else chance


def spread(count: int) -> Array:
    """Return at most `SAMPLED` positions, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(count, SAMPLED)).astype(np.intp))
