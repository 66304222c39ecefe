"""Tables of predictions for a notebook: the count of each prediction, and the first rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.display.tables import Cell, Kind, ResultTable, TableChart, format_cell, kinds_of
from declnet.display.words import counted

if TYPE_CHECKING:
    from declnet.runs.inference.predictions import Predictions

MOST_ROWS, MOST_COLUMNS, MOST_CLASSES, BINS = 10, 12, 30, 16


def prediction_tables(predictions: Predictions) -> Iterator[ResultTable]:
    """Yield how often each class, or each range of values, was predicted, and the first rows.

    Raises:
        DataError: an identifier has the name of another column.
    """
    known = predictions.prediction
    if predictions.errors:
        known = np.delete(known, [*predictions.errors], axis=0)
    if known.ndim == 1 and len(known):
        yield _values(known) if known.dtype.kind == "f" else _classes(known)
    yield _first_rows(predictions)


def _classes(known: Array) -> ResultTable:
    """Return the number of predictions of each class, the most frequent first."""
    names, counts = np.unique(known.astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_CLASSES]
    rows = tuple((str(names[at]), int(counts[at]), float(counts[at] / len(known))) for at in order)
    more = len(names) - len(rows)
    note = counted(len(known), "prediction") + (f"; {more} classes more" if more else "")
    columns, chart = (
        ("class", "predictions", "share"),
        TableChart("bars", "class", ("predictions",)),
    )
    kinds: dict[str, Kind] = {"class": "text", "share": "share"}
    return ResultTable("Predicted classes", columns, rows, note, kinds, chart)


def _values(known: Array) -> ResultTable:
    """Return the number of predictions in ranges of equal width."""
    finite = known[np.isfinite(known)].astype(float)
    counts, edges = np.histogram(finite, BINS) if len(finite) else (np.zeros(0), np.zeros(1))
    rows = tuple(
        (f"{format_cell(float(low))} to {format_cell(float(high))}", int(count))
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    )
    chart = TableChart("bars", "prediction", ("count",))
    note = counted(len(known), "prediction")
    return ResultTable("Predicted values", ("prediction", "count"), rows, note, {}, chart)


def _first_rows(predictions: Predictions) -> ResultTable:
    columns = predictions.columns()
    shown = dict(list(columns.items())[:MOST_COLUMNS])
    rows = zip(*(map(_cell, column[:MOST_ROWS]) for column in shown.values()), strict=True)
    notes = []
    if len(predictions) > MOST_ROWS:
        notes.append(f"the first {MOST_ROWS} of {counted(len(predictions), 'row')}")
    if len(columns) > MOST_COLUMNS:
        notes.append(f"{counted(len(columns) - MOST_COLUMNS, 'more column')} in columns()")
    numbers = [name for name, column in shown.items() if column.dtype.kind == "f"]
    return ResultTable("Rows", tuple(shown), tuple(rows), "; ".join(notes), kinds_of(numbers))


def _cell(value: Any) -> Cell:
    """Return an element of a column as a plain value."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
