"""Predictions as a data frame of polars, where that is installed (the extra `data`)."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from declnet.components.arrays import Array


def has_polars() -> bool:
    """Whether polars is installed; imports nothing."""
    return find_spec("polars") is not None


def as_frame(columns: Mapping[str, Array]) -> Any:
    """A polars data frame of columns (n,)."""
    polars = import_module("polars")
    series = [
        polars.Series(name, column.tolist(), dtype=polars.String)
        if column.dtype.kind == "O"
        else polars.Series(name, column)
        for name, column in columns.items()
    ]
    return polars.DataFrame(series)
