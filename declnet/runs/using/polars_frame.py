"""Predictions as a data frame of polars, where that is installed (the extra `data`)."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from declnet.components.arrays import Array

if TYPE_CHECKING:
    import polars as pl


def has_polars() -> bool:
    """Whether polars is installed; imports nothing."""
    return find_spec("polars") is not None


def as_frame(columns: Mapping[str, Array]) -> pl.DataFrame:
    """A polars data frame of columns (n,)."""
    import polars as pl

    series = [
        pl.Series(name, column.tolist(), dtype=pl.String)
        if column.dtype.kind == "O"
        else pl.Series(name, column)
        for name, column in columns.items()
    ]
    return pl.DataFrame(series)
