"""Synthetic rows: drawn from ranges and categories of the training data, never copied from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from string import ascii_lowercase
from typing import Any, Self

import numpy as np

from declnet.contracts.arrays import Array, Shape
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.sample_arrays import ARRAY
from declnet.contracts.data.table import Table, missing_values
from declnet.contracts.data.transform import Transform
from declnet.contracts.network.inputs import as_arrays
from declnet.contracts.returned import verified
from declnet.contracts.serialization import Omitted, StoredState
from declnet.data.cells import objects_of, text_of
from declnet.data.columns import typed
from declnet.data.dates import AMBIGUOUS, date_form, read_dates, written_date
from declnet.data.preparing.preparation import FittedPreparation
from declnet.data.splits import Data
from declnet.spec.heads import Head
from declnet.spec.streams import Stream, random_stream

ROWS = 16

SAMPLED = 2**20
"""Approximate number of values of the training data from which ranges are taken."""

WIDEST = 256
"""The longest last axis of an array whose positions have ranges of their own."""

FIRST_DAY = np.datetime64("2026-01-13")
"""The day of the first row of a series, which cannot be a month."""

REPEATED = 64
"""About how many numbers are drawn for a sample of an array; they are repeated to fill it."""


@dataclass(frozen=True, eq=False)
class SyntheticRows:
    """Rows that a model takes, none of which is in its training data.

    Attributes:
        columns: of a table, the cells as text, (16,), None where one is missing; otherwise the
            first numbers of each sample, (16, numbers), by the names of `Dataset.arrays`.
        shapes: the shape of a sample of each array; empty for a table.
    """

    columns: StoredState
    shapes: Omitted[Mapping[str, Shape]] = field(default_factory=dict)

    @classmethod
    def drawn(
        cls, train: Data, preparation: FittedPreparation, heads: tuple[Head, ...]
    ) -> Self | None:
        """Draw rows like the training data's; return None if a component fails meanwhile.

        Args:
            train: the training data before its preparation; some of its rows suffice.
            preparation: what was fitted to it, whose categories and vocabularies are used.
            heads: the losses, which decide whether arrays of targets hold classes.
        """
        rng, sample = random_stream(0, Stream.SYNTHETIC), sampled(train)
        try:
            if isinstance(sample, Table):
                names = dict.fromkeys((*(preparation.types or ()), *preparation.target_columns))
                return cls({name: _cells(name, sample, preparation, rng) for name in names})
            classes = [head for head in heads if head.targets != "values"]
            labels = {f"y {head.target_among(sample.targets)}" for head in classes}
            drawn, shapes = {}, {}
            for name, rows in replace(sample, weights=None).arrays.items():
                array = np.asarray(rows)
                known: Any = _known(name.removeprefix("x ") or ARRAY, array, preparation)
                if name in labels:
                    known = np.unique(array)
                drawn[name], shapes[name] = _numbers(array, rng, known), array.shape[1:]
        except Exception:  # no reason to fail the run
            return None
        return cls(drawn, shapes)

    def data(self, preparation: FittedPreparation) -> Data:
        """Return the rows as data before its preparation; of windows, as many as make 16."""
        if not self.shapes:
            windows = preparation.windows
            more = windows.spec.past + windows.spec.horizon - 1 if windows is not None else 0
            cells = {name: np.resize(cells, ROWS + more) for name, cells in self.columns.items()}
            return Table(cells, targets=preparation.target_columns)
        arrays = {}
        for name, numbers in self.columns.items():
            shape = self.shapes[name]
            size = prod(shape)
            whole = np.tile(numbers, (1, -(-size // numbers.shape[1])))[:, :size]
            arrays[name] = whole.reshape(len(numbers), *shape)
        x, y = (
            {name[2:]: array for name, array in arrays.items() if name.startswith(start)}
            for start in ("x ", "y ")
        )
        return Dataset(x, y)

    def samples(self, preparation: FittedPreparation) -> dict[str, Array]:
        """Return the rows as predictors take them, without what only targets have.

        They are the columns of a table, each in its type, or the array of each input by name. Of
        windows, they are one series, a day apart, of as many rows as a forecast needs.
        """
        data, windows = self.data(preparation), preparation.windows
        if isinstance(data, Dataset):
            return as_arrays(data.inputs)
        columns = typed(data, preparation.types or {}, preparation.cells)
        if windows is None:
            return columns
        spec, time = windows.spec, windows.time
        count = spec.past + (spec.horizon if spec.known else 0)
        columns = {name: column[:count] for name, column in columns.items()}
        for target in data.target_columns if spec.known else ():
            columns[target] = columns[target].astype(float)
            columns[target][spec.past :] = np.nan
        if spec.series is not None:
            first = columns.get(spec.series, np.array(["a"], object))[:1]
            columns[spec.series] = np.repeat(first, count)
        if time is not None:
            is_number = time in columns and columns[time].dtype.kind != "O"
            form = date_form(data.columns[time]) if time in columns else None
            columns[time] = np.arange(count) if is_number else _days(count, form)
        return columns

    def prepared(self, preparation: FittedPreparation) -> Dataset:
        """Return the rows as the model takes them, with their targets.

        Raises:
            DataError: a transform does not take them.
        """
        windows = preparation.windows
        if windows is not None:  # the rows are one series, without times
            spec = windows.spec.model_copy(update={"series": None})
            preparation = replace(preparation, windows=replace(windows, spec=spec, time=None))
        return preparation.apply_to_set(self.data(preparation))


def sampled(train: Data) -> Data:
    """Return at most about `SAMPLED` values of the training data, in rows spread over it."""
    numbers = sum(prod(array.shape[1:]) for array in train.arrays.values())
    count = max(ROWS, SAMPLED // max(numbers, 1))
    if len(train) <= count:
        return train
    return train.take(np.linspace(0, len(train) - 1, count).astype(np.intp))


def _cells(
    name: str, table: Table, preparation: FittedPreparation, rng: np.random.Generator
) -> Array:
    """Return cells for a column of a table, as texts."""
    column = table.columns[name]
    classes = [of.classes for of in preparation.targets.values() if of.column == name]
    known = classes[0] if classes and classes[0] else _known(name, column, preparation)
    values: list[Any]
    if known:
        values = [known[at] for at in rng.integers(len(known), size=ROWS)]
    elif column.dtype.kind == "O":
        values = _dates(column, rng) or _texts(name, preparation, rng)
    else:
        values = _numbers(column, rng)[:, 0].tolist()
    gaps = rng.random(ROWS) < 1 / 8 if missing_values(column).any() else np.zeros(ROWS, bool)
    decimal = "," if name in preparation.cells.comma_columns else preparation.cells.decimal
    texts = [
        None if gap else text_of(value, decimal) for value, gap in zip(values, gaps, strict=True)
    ]
    return np.array(texts, object)


def _known(name: str, column: Array, preparation: FittedPreparation) -> tuple[Any, ...] | None:
    """Return the values that the first transform to know them tells apart in a column."""
    for step in preparation.steps:
        if name in step.states:
            known = verified(Transform.known_values, step.transform, step.states[name])
            if known and isinstance(known[0], str) == (column.dtype.kind == "O"):
                return known
    return None


def _dates(column: Array, rng: np.random.Generator) -> list[str]:
    """Return dates or times within the range of a column, written alike; none for other texts."""
    form = date_form(column)
    if form is None:
        return []
    with_time = any(":" in text for text in column if text is not None)
    moments = read_dates(column, "day_first" if form == AMBIGUOUS else form).astype(np.int64)
    low, high = _range(moments[~missing_values(column), None].astype(float))
    drawn = (low + (high - low) * rng.random(ROWS)).astype("datetime64[us]")
    return [written_date(moment, form, with_time=with_time) for moment in drawn.tolist()]


def _days(count: int, form: str | None) -> Array:
    """Return consecutive days (n,), or months, as text in a form of dates; else as 2026-01-13."""
    unit = "M" if form == "month_name" else "D"
    days = (FIRST_DAY.astype(f"datetime64[{unit}]") + np.arange(count)).astype("datetime64[us]")
    written = "year_first" if form in (None, AMBIGUOUS, "time") else form
    return objects_of([written_date(day, written, with_time=False) for day in days.tolist()])


def _texts(name: str, preparation: FittedPreparation, rng: np.random.Generator) -> list[str]:
    """Return texts made of the strings that the transforms of a column learned, or of letters."""
    states = [step.states[name] for step in preparation.steps if name in step.states]
    words = [*_strings([list(state.values()) for state in states])] or list(ascii_lowercase)
    lengths = rng.integers(1, 9, ROWS)
    return [" ".join(words[at] for at in rng.integers(len(words), size=n)) for n in lengths]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _strings([*value, *value.values()])
    elif isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim):
        for item in value:
            yield from _strings(item)


def _numbers(array: Array, rng: np.random.Generator, known: Any = None) -> Array:
    """Return numbers for an array (n, …), (16, numbers).

    Args:
        known: the values to draw from; None for the ranges of the array.
    """
    shape = array.shape[1:]
    last, size = shape[-1] if shape else 1, prod(shape)
    if known is not None and last > 1 and bool((array.sum(axis=-1) == 1).all()):
        one_hot = np.eye(last, dtype=array.dtype)
        return one_hot[rng.integers(last, size=(ROWS, *shape[:-1]))].reshape(ROWS, size)
    period = last if last <= WIDEST else 1
    # a prime number without ranges of their own, so that the rows of an image differ
    count = min(size, period * max(1, REPEATED // period) if last <= WIDEST else REPEATED - 3)
    if known is not None:
        return rng.choice(np.asarray(known, array.dtype), (ROWS, count))
    low, high = _range(array.reshape(-1, period).astype(float))
    drawn = low + (high - low) * rng.random((ROWS, count // period, period))
    if array.dtype.kind != "f":
        drawn = np.round(drawn)
    return drawn.reshape(ROWS, count).astype(array.dtype)


def _range(values: Array) -> tuple[Array, Array]:
    """Return a narrower range of each column of floats (n, d), to hide its extremes."""
    values = np.where(np.isfinite(values), values, np.nan)
    low, high = np.fmin.reduce(values), np.fmax.reduce(values)
    with np.errstate(all="ignore"):
        step = np.exp2(np.floor(np.log2(high - low)) - 4)
        inner = np.ceil(low / step) * step, np.floor(high / step) * step
    usable = np.isfinite(inner[0]) & np.isfinite(inner[1]) & (high > low)
    return np.where(usable, inner[0], low), np.where(usable, inner[1], high)
