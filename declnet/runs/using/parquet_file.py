"""Writes predictions as Parquet, with polars."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO

from declnet.runs.predictions import Predictions
from declnet.runs.using.polars_frame import as_frame


def write_parquet(parts: Iterable[Predictions], file: BinaryIO) -> int:
    """Writes a table, as the parts come, in constant memory; returns how many samples."""
    from polars.io.plugins import register_io_source

    remaining = iter(parts)
    first = next(remaining, None)
    if first is None:
        return 0
    frame = as_frame(first.columns())
    counted = _Counted(chain([first], remaining))
    source = register_io_source(counted.frames, schema=frame.schema)
    try:
        source.sink_parquet(file)
    except Exception:
        if counted.error is not None:  # polars may have wrapped it
            raise counted.error from None
        raise
    return counted.rows


class _Counted:
    """Gives parts to polars one by one, and remembers how many, and what went wrong.

    Args:
        parts: to be given, once.

    Attributes:
        rows: given so far.
        error: what making a part raised.
    """

    def __init__(self, parts: Iterator[Predictions]) -> None:
        self._parts, self.rows = parts, 0
        self.error: Exception | None = None

    def frames(
        self, columns: Any, predicate: Any, rows: int | None, size: int | None
    ) -> Iterator[Any]:
        """All parts as data frames; a sink asks for all columns and rows."""
        del columns, predicate, rows, size
        try:
            for part in self._parts:
                self.rows += len(part)
                yield as_frame(part.columns())
        except Exception as error:
            self.error = error
            raise
