"""Warnings of leakage in tables: what makes metrics on unseen data better than the model is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.table import Table, column_type, missing_values
from declnet.contracts.network.inputs import lengths_of
from declnet.data.dates import date_form
from declnet.data.equal_rows import FAR, chance_of_equal_rows, row_hashes, spread
from declnet.data.sets import PreparedSets
from declnet.display.words import counted
from declnet.errors import Diagnostic, KeyPath
from declnet.training.checks.context import CheckContext

FEWEST, FEWEST_OTHERS = 50, 5
"""Rows in each half, and rows to test of other classes than the most frequent one, that make a
comparison meaningful."""

NEARLY_ALL = 0.99
"""Share of classes that a feature predicts alone if it leaks the target."""
EXPLAINED = 0.99
"""Share of the variance of a target of numbers that a feature explains alone if it leaks it."""
FEWER = 10.0
"""Factor by which a column must make fewer errors than the most frequent class."""

DUPLICATED, FEWEST_DUPLICATES = 0.01, 3
"""Share and number of rows that are also training data, from which on metrics change."""
FEWEST_ROWS = 50
"""Rows of a table in which distinct values may be identifiers."""


@dataclass(frozen=True)
class _Tables:
    """The data sets of a run before their preparation, as tables whose rows are samples.

    Attributes:
        features: the columns that the model predicts from.
        parts: the tables by data set.
    """

    context: CheckContext
    sets: PreparedSets
    features: tuple[str, ...]
    parts: Mapping[str, Table]

    @property
    def sequences(self) -> set[str]:
        """The columns that become sequences, e.g. of words, each a separate input."""
        x = self.sets.datasets["train"].inputs
        inputs = self.sets.preparation.inputs
        return {columns[0] for name, columns in inputs.items() if lengths_of(name) in x}

    def at(self, data_set: str, feature: str | None = None) -> KeyPath:
        """Return the key of a feature if the spec lists it, or else of the data set's source."""
        sources = self.context.spec.data.sources
        name = data_set if data_set in sources else "train"
        listed = getattr(sources.get(name), "features", None) or ()
        if feature in listed:
            return ("data", name, "features", listed.index(feature))
        return self.context.origin_of(name)


def leakage_warnings(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield warnings about duplicates, features that leak the target, and identifiers."""
    sets = context.sets
    if sets is None or sets.preparation.windows is not None or sets.preparation.types is None:
        return
    parts = {name: data.records for name, data in sets.raw.items()}
    tables = _Tables(context, sets, tuple(sets.preparation.types), parts)
    yield from _duplicates(tables)
    yield from _leaking_features(tables)
    yield from _identifiers(tables)


def _duplicates(tables: _Tables) -> Iterator[Diagnostic]:
    """Yield a warning for each data set of which many rows are training data too."""
    train = tables.parts["train"]
    seen = row_hashes(train, tables.features)
    for name, table in tables.parts.items():
        if name == "train":
            continue
        hashes = row_hashes(table, tables.features)
        same = np.flatnonzero(np.isin(hashes, seen))
        if len(same) < max(DUPLICATED * len(table), FEWEST_DUPLICATES):
            continue
        chance = min(1.0, len(train) * chance_of_equal_rows(train, tables.features))
        if len(same) < FAR * chance * len(table):
            continue
        first = int(same[0])
        twin = int(np.flatnonzero(seen == hashes[first])[0])
        rows = f"row {table.row_number(first)} like row {train.row_number(twin)}"
        yield Diagnostic(
            f"{len(same)} of {counted(len(table), f'{name} row')} are in the training data too, "
            f"with all features equal, e.g. {rows}",
            "remove duplicates, or keep them together: split = { equal_rows_together = true }",
            tables.at(name),
            "W010",
        )


def _leaking_features(tables: _Tables) -> Iterator[Diagnostic]:
    """Yield a warning for each feature that alone predicts a target almost perfectly."""
    if len(tables.features) < 2:
        return  # then it is all that the model has
    train, preparation = tables.parts["train"], tables.sets.preparation
    for name, y in tables.sets.datasets["train"].targets.items():
        encoding = preparation.targets.get(name)
        if y.ndim != 1 or encoding is None:
            continue
        for feature in tables.features:
            evidence = leakage_evidence(train.columns[feature], y, encoding.classes is not None)
            if evidence is not None:
                yield Diagnostic(
                    f'column "{feature}" alone predicts the target "{encoding.column}": {evidence}',
                    "leave it out of the features if it is known only after the target",
                    tables.at("train", feature),
                    "W011",
                )


def leakage_evidence(column: Array, y: Array, classes: bool) -> str | None:
    """Return how well a column alone predicts a target, if almost perfectly, else None.

    On rows that it was not fitted to: each value is predicted as the same value, or the nearest
    number, is on average in the other rows.

    Args:
        column: a column of a table, (n,).
        y: the target, (n,), without missing values.
        classes: whether the target is one of several classes, rather than a number.
    """
    positions = spread(len(column))
    if len(positions) < 2 * FEWEST:
        return None
    column, y = column[positions], y[positions]
    present = ~missing_values(column)
    if column.dtype.kind == "f":
        present &= np.isfinite(column)
    if np.count_nonzero(present) < 0.9 * len(column):
        return None
    x, y = column[present], y[present]
    halves = np.random.default_rng(0).permutation(len(x)) % 2 == 0  # rows may be in an order
    if min(halves.sum(), (~halves).sum()) < FEWEST:
        return None
    values, places = np.unique(x[halves], return_inverse=True)
    if column.dtype.kind == "O":
        at = np.minimum(np.searchsorted(values, x[~halves]), len(values) - 1)
        seen = values[at] == x[~halves]
    else:
        at = _nearest(values.astype(float), x[~halves].astype(float))
        seen = np.ones(len(at), bool)
    fitted, true = y[halves], y[~halves]
    if classes:
        return _class_evidence(places, fitted, at, seen, true)
    return _value_evidence(places, fitted.astype(float), at, seen, true.astype(float), (x, y))


def _nearest(values: Array, targets: Array) -> Array:
    """Return the positions of the sorted values that are nearest to the targets."""
    above = np.clip(np.searchsorted(values, targets), 1, max(len(values) - 1, 1))
    above = np.minimum(above, len(values) - 1)
    below = np.maximum(above - 1, 0)
    closer: Array = np.where(targets - values[below] <= values[above] - targets, below, above)
    return closer


def _class_evidence(
    places: Array, fitted: Array, at: Array, seen: Array, true: Array
) -> str | None:
    labels, codes, counts = np.unique(fitted, return_inverse=True, return_counts=True)
    usual = labels[counts.argmax()]
    pairs, counts = np.unique(places * len(labels) + codes.reshape(-1), return_counts=True)
    place, code = np.divmod(pairs, len(labels))
    order = np.lexsort((code, -counts, place))  # by place, the most frequent label first
    first = np.unique(place[order], return_index=True)[1]
    guesses = np.where(seen, labels[code[order][first]][at], usual)
    right, baseline = float(np.mean(guesses == true)), float(np.mean(usual == true))
    if np.count_nonzero(true != usual) < FEWEST_OTHERS:
        return None
    if right < NEARLY_ALL or (1 - right) * FEWER > 1 - baseline or baseline > NEARLY_ALL:
        return None
    share, usually = f"{100 * right:.1f} %", f"{100 * baseline:.1f} %"
    return f"its values predict {share} of the classes correctly, a constant {usually}"


def _value_evidence(
    places: Array, fitted: Array, at: Array, seen: Array, true: Array, pair: tuple[Array, Array]
) -> str | None:
    spread = float(np.square(true - true.mean()).sum())
    if not spread > 0 or not np.isfinite(spread):
        return None
    means = np.bincount(places, fitted) / np.bincount(places)
    guesses = np.where(seen, means[at], fitted.mean())
    x, y = pair
    correlation = 0.0
    if x.dtype.kind in "fiu" and np.ptp(x.astype(float)) > 0:
        correlation = abs(float(np.corrcoef(x.astype(float), y.astype(float))[0, 1]))
    if correlation**2 > EXPLAINED:
        return f"their correlation is {correlation:.5f}"
    explained = 1 - float(np.square(true - guesses).sum()) / spread
    return (
        f"its values explain {100 * explained:.2f} % of its variance"
        if explained > EXPLAINED
        else None
    )


def _identifiers(tables: _Tables) -> Iterator[Diagnostic]:
    """Yield a warning for each feature with a different value in each row that numbers or names."""
    if sum(map(len, tables.parts.values())) < FEWEST_ROWS or len(tables.features) < 2:
        return
    for name in tables.features:
        columns = [part.columns[name] for part in tables.parts.values()]
        reason = None if name in tables.sequences else _identifies(columns)
        if reason is not None:
            yield Diagnostic(
                f'column "{name}" {reason}, so it says nothing about other rows',
                "leave it out of the features",
                tables.at("train", name),
                "W012",
            )


def _identifies(columns: list[Array]) -> str | None:
    """Return why a column looks like an identifier, or None."""
    kind = column_type(columns[0])
    count = sum(map(len, columns))
    if kind == "integer" and all(column.dtype.kind in "iu" for column in columns):
        low, high = min(column.min() for column in columns), max(column.max() for column in columns)
        if int(high) - int(low) != count - 1:
            return None
        seen = np.zeros(count, bool)
        for column in columns:
            seen[(column - low).astype(np.intp)] = True
        return f"numbers the rows, from {low} to {high}" if seen.all() else None
    if kind != "text":
        return None
    first = columns[0][:1000].tolist()
    texts = [text for text in first if text is not None]
    if len(set(texts)) < len(first) or any(" " in text.strip() for text in texts):
        return None  # repeated values, gaps, or sentences
    if len({text for column in columns for text in column.tolist()}) < count:
        return None
    return None if date_form(columns[0]) is not None else "has a different text in each row"
