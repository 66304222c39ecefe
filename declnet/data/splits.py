"""Holding out samples of the training data by fraction, group, time, column or fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice, pairwise

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.table import Table, missing_values
from declnet.contracts.network.inputs import UNNAMED
from declnet.data.columns import labels_of, refuse_rows, table_with
from declnet.data.dates import AMBIGUOUS, are_periods, date_form, odd_dates, read_dates
from declnet.data.equal_rows import first_equal_rows
from declnet.display.words import counted
from declnet.errors import DataError
from declnet.spec.data_section import DataSpec, SplitSpec
from declnet.spec.streams import Stream, random_stream

NAMES = ("train", "validation", "test")
AT_METHOD = ("data", "split", "method")
AT_COLUMN = ("data", "split", "column")

PARTS = 5
"""Parts of the validation data, each predicted with what was selected by the others."""


def _split_key(data: Dataset | Table, split: SplitSpec) -> Array | None:
    """Return the key (n,) that a split goes by, or None if it needs none."""
    if split.method == "random" or (split.method == "time" and split.column is None):
        return None
    if split.method == "column":
        return column_to_split_by(data, str(split.column))[1]
    if split.method == "time":
        values = moments_in(data, str(split.column))
    else:
        named = split.column is not None
        values = column_to_split_by(data, str(split.column))[1] if named else _classes(data)
    return distinct(values)[1]


def distinct(values: Array) -> tuple[Array, Array]:
    """Return the sorted distinct values of an array (n,) and the index of each row's value."""
    pair: tuple[Array, Array] = np.unique(values, return_inverse=True)
    return pair[0], pair[1].reshape(-1)


def column_to_split_by(
    data: Dataset | Table, name: str, purpose: str = "assigned by it"
) -> tuple[Table, Array]:
    """Return the data, which must be a table, and a column that is missing in no row."""
    table = table_with(name, data, AT_COLUMN, "columns to split by")
    column = table.columns[name]
    fault = f"is missing, so the row cannot be {purpose}"
    refuse_rows(table, name, missing_values(column), fault, path=AT_COLUMN, code="E036")
    return table, column


def moments_in(data: Dataset | Table, name: str) -> Array:
    """Return the times (n,) in a column, which sort chronologically.

    Raises:
        DataError: a time is missing, a text is not a date in the form of the others, or it is
            ambiguous which of its numbers is the day.
    """
    table, column = column_to_split_by(data, name, "put in order")
    form = date_form(column)
    if form == AMBIGUOUS:
        raise DataError(
            f'dates such as "{column[0]}" may begin with the day or the month',
            hint="write them as in 2024-12-31",
            path=AT_COLUMN,
            code="E036",
        )
    if form is not None:
        return read_dates(column, form)
    if column.dtype.kind == "O" and len(column) and not are_periods(column):
        wrong, date = odd_dates(column)
        like = "or time in a known form" if date is None else f'like "{date}"'
        refuse_rows(
            table,
            name,
            wrong,
            lambda text: f'is "{text}", not a date {like}',
            hint="write all alike, as in 2024-12-31, or number the rows",
            path=AT_COLUMN,
            code="E036",
        )
    return column


def _classes(data: Dataset | Table) -> Array:
    """Return the targets, which must be classes."""
    if isinstance(data, Table):
        column = data.columns.get(str(data.target))
        if column is None:
            several = len(data.target_columns) > 1
            raise DataError(
                f"there {'are several targets' if several else 'is no target'} to stratify by",
                hint="name a column" if several else None,
                path=AT_METHOD,
                code="E036",
            )
        if column.dtype.kind == "f" and (column % 1 != 0).any():
            raise _no_classes()
        if column.dtype.kind != "O":
            return column
        filled: Array = np.where(missing_values(column), "", column)
        return filled
    labels = labels_of(data.targets[UNNAMED]) if UNNAMED in data.targets else None
    if labels is None:
        raise _no_classes()
    return labels


def _no_classes() -> DataError:
    return DataError(
        "the target holds numbers, so there are no classes to stratify by",
        hint='name a column, or set method = "random"',
        path=AT_METHOD,
        code="E036",
    )


Divide = Callable[[int, Array | None, float, float, np.random.Generator], dict[str, Array]]
"""Function of the number of samples, the key, the validation and test shares and a random stream.
It returns the positions of each data set; the test data does not depend on the validation share."""


def held_out_count(samples: int, fraction: float) -> int:
    """Return the number of samples to hold out."""
    return round(samples * fraction)


def _random(
    samples: int, _key: Array | None, validation: float, test: float, rng: np.random.Generator
) -> dict[str, Array]:
    """Shuffle the samples; take validation data from the start, test data from the end."""
    order = rng.permutation(samples)
    return _ends(order, held_out_count(samples, validation), held_out_count(samples, test))


def _stratified(
    samples: int, key: Array | None, validation: float, test: float, rng: np.random.Generator
) -> dict[str, Array]:
    """Take a share of each class, rounded to keep the totals; train on at least one of each."""
    members = _members(key, samples, rng)
    sizes = np.array([len(member) for member in members])
    for_test = np.minimum(_shared(sizes, test), sizes - 1)
    for_validation = np.minimum(_shared(sizes, validation), sizes - 1 - for_test)
    parts = [
        _ends(member, v, t) for member, v, t in zip(members, for_validation, for_test, strict=True)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _grouped(
    samples: int, key: Array | None, validation: float, test: float, rng: np.random.Generator
) -> dict[str, Array]:
    """Shuffle whole groups and take from both ends as many as come closest to the shares."""
    members = _members(key, samples, rng)
    order = rng.permutation(len(members))
    sizes = np.array([len(members[group]) for group in order])
    last = _nearest(sizes[::-1], held_out_count(samples, test))
    first = _nearest(sizes, held_out_count(samples, validation))
    ends = _ends(order, first, last)
    return {
        name: np.concatenate([members[group] for group in groups]) if len(groups) else groups
        for name, groups in ends.items()
    }


def _time(
    samples: int,
    key: Array | None,
    validation: float,
    test: float,
    rng: np.random.Generator,  # noqa: ARG001
) -> dict[str, Array]:
    """Split chronologically into training, validation, test; keep equal times together."""
    order = np.arange(samples) if key is None else np.argsort(key, kind="stable")
    moments = np.unique(order if key is None else key, return_counts=True)[1][::-1]
    later = _nearest(moments, held_out_count(samples, test))
    rest = _nearest(moments[later:], held_out_count(samples, validation))
    for_test, for_validation = int(moments[:later].sum()), int(moments[later : later + rest].sum())
    start = samples - for_test
    return {
        "train": order[: start - for_validation],
        "validation": order[start - for_validation : start],
        "test": order[start:],
    }


DIVIDE: dict[str, Divide] = {
    "random": _random,
    "stratified": _stratified,
    "grouped": _grouped,
    "time": _time,
}


def positions_by_column(data: Dataset | Table, split: SplitSpec) -> dict[str, Array]:
    """Return the rows that a column labels train, validation or test, ignoring case."""
    table, column = column_to_split_by(data, str(split.column))
    labels = np.array([str(cell).strip().lower() for cell in column.tolist()])
    refuse_rows(
        table,
        str(split.column),
        ~np.isin(labels, NAMES),
        lambda label: f'is "{label}"',
        hint="it must be train, validation or test",
        path=AT_COLUMN,
        code="E036",
    )
    return {name: np.flatnonzero(labels == name) for name in NAMES}


def members_of(key: Array) -> list[Array]:
    """Return the positions of each value of a key with the values 0, 1, 2, …."""
    order = np.argsort(key, kind="stable")
    return np.split(order, np.cumsum(np.bincount(key))[:-1])


def _members(key: Array | None, samples: int, rng: np.random.Generator) -> list[Array]:
    members = members_of(key) if key is not None else [np.arange(samples)]
    return [rng.permutation(member) for member in members]


def _ends(order: Array, first: int, last: int) -> dict[str, Array]:
    """Divide an order into validation (start), training (middle) and test (end)."""
    stop = len(order) - last
    return {"train": order[first:stop], "validation": order[:first], "test": order[stop:]}


def _shared(sizes: Array, share: float) -> Array:
    """Return a share of each class in whole samples by largest remainder, keeping the total."""
    exact = sizes * share
    counts = np.floor(exact).astype(int)
    left = held_out_count(int(sizes.sum()), share) - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[: max(left, 0)]] += 1
    return counts


def _nearest(sizes: Array, size: int) -> int:
    """Return how many leading groups come closest to a size; at least one unless it is 0."""
    if size == 0 or not len(sizes):
        return 0
    sums = np.cumsum(sizes)
    return int(np.argmin(np.abs(sums - size))) + 1


Data = Dataset | Table


def split_positions(
    data: Data, shares: Mapping[str, float], method: SplitSpec, seed: int
) -> dict[str, Array]:
    """Return the rows of the training data and of each set that is split off, in ascending order.

    Args:
        shares: the fractions to hold out for `"validation"` and `"test"`, each between 0 and 1;
            not needed if a column assigns the rows.

    Raises:
        DataError: a set would be empty, or the data cannot be split this way.
    """
    if method.method == "column":
        positions = positions_by_column(data, method)
    else:
        rng = random_stream(seed, Stream.SPLIT)
        validation, test = (shares.get(name, 0.0) for name in ("validation", "test"))
        key = _split_key(data, method)
        _require_sizes(len(data), shares)
        positions = DIVIDE[method.method](len(data), key, validation, test, rng)
        if method.equal_rows_together:
            positions = _together(positions, _first_equal_rows(data))
    parts = {name: np.sort(rows) for name, rows in positions.items() if len(rows)}
    for name in ("train", *shares):
        if name not in parts:
            raise DataError(
                f"of {counted(len(data), 'sample')}, the split leaves none for {name}",
                hint="use another fraction or method",
                path=("data", next(iter(shares), "split")),
                code="E033",
            )
    return parts


def _first_equal_rows(data: Data) -> Array:
    """Return for each row the first one with the same features; raise DataError for arrays."""
    if not isinstance(data, Table):
        message = "only rows of a table can be equal, but the data are arrays"
        raise DataError(message, path=("data", "split", "equal_rows_together"), code="E036")
    return first_equal_rows(data)


def _together(positions: Mapping[str, Array], first: Array) -> dict[str, Array]:
    """Return the rows of each data set, with each row where the first one like it is."""
    set_of = np.empty(len(first), int)
    for number, rows in enumerate(positions.values()):
        set_of[rows] = number
    set_of = set_of[first]
    return {name: np.flatnonzero(set_of == number) for number, name in enumerate(positions)}


def _require_sizes(samples: int, shares: Mapping[str, float]) -> None:
    for name, share in shares.items():
        size = held_out_count(samples, share)
        if not 0 < size < samples:
            rest = f"{size} for {name} and {samples - size} for training"
            message = f"data.{name} = {share} of {counted(samples, 'sample')} leaves {rest}"
            raise DataError(message, path=("data", name), code="E033")


def one_fold(data: Data, spec: DataSpec, seed: int) -> tuple[Array, Array]:
    """Return the training and validation positions of the selected fold, or of the first.

    Raises:
        DataError: the data has too few samples, groups, times or values for the folds.
    """
    if spec.folds is None:
        raise ValueError("the spec has no folds")
    parts = fold_positions(data, spec.folds, spec.split, seed)
    return next(islice(parts, (spec.fold or 1) - 1, None))


def fold_positions(
    data: Dataset | Table, folds: int, method: SplitSpec, seed: int
) -> Iterator[tuple[Array, Array]]:
    """Yield the training and validation positions of each fold, in ascending order.

    Random, stratified and grouped folds use each sample for validation exactly once. Time folds
    validate on the period after those they train on, so the first period is only ever used for
    training. Column folds validate on one value of the column each.

    Args:
        data: the data that remains after holding out the test data.

    Raises:
        DataError: there are fewer samples, groups, times or values than needed.
    """
    key = _split_key(data, method)
    if method.method == "time":
        yield from _of_time(len(data), key, folds)
        return
    fold_of = _fold_of(len(data), key, folds, method.method, seed)
    if method.equal_rows_together:
        fold_of = fold_of[_first_equal_rows(data)]
    for fold in range(folds):
        yield np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)


def parts_of_validation(validation: Data, samples: int, spec: DataSpec, seed: int) -> Array | None:
    """Return which part of the validation data each sample belongs to, as folds are made.

    Args:
        validation: the validation data as loaded.
        samples: the number of its samples; windows are fewer than rows.

    Returns:
        (n,) numbers from 0; periods of time follow each other. None for fewer than two parts.
    """
    method, key = spec.split.method, None
    if spec.windows is None and method != "column":
        with suppress(DataError):  # of data from another source, which is not split
            key = _split_key(validation, spec.split)
    if spec.windows is not None or method == "time":
        order = np.arange(samples) if key is None else np.argsort(key, kind="stable")
        part_of = np.empty(samples, int)
        part_of[order] = np.arange(samples) * PARTS // max(samples, 1)
        return part_of if samples >= PARTS else None
    units = samples if method != "grouped" or key is None else len(np.unique(key))
    if units < 2:
        return None
    return _fold_of(samples, key, min(PARTS, units), method.replace("column", "random"), seed)


def _fold_of(samples: int, key: Array | None, folds: int, method: str, seed: int) -> Array:
    """Return, for each sample, the fold in which it is used for validation."""
    rng = random_stream(seed, Stream.SPLIT)
    if method == "column":
        values, number_of = distinct(key if key is not None else np.arange(samples))
        if len(values) != folds:
            raise _too_few(f"the column has {counted(len(values), 'value')}", folds)
        return number_of
    if samples < folds:
        raise _too_few(counted(samples, "sample"), folds)
    fold_of = np.empty(samples, int)
    if method == "grouped" and key is not None:
        groups = members_of(key)
        if len(groups) < folds:
            raise _too_few(counted(len(groups), "group"), folds)
        filled = np.zeros(folds, int)
        order = rng.permutation(len(groups))
        for group in sorted(order, key=lambda number: -len(groups[number])):  # largest first
            fold = int(np.argmin(filled))
            fold_of[groups[group]] = fold
            filled[fold] += len(groups[group])
        return fold_of
    parts = members_of(key) if key is not None else [np.arange(samples)]
    order = np.concatenate([rng.permutation(part) for part in parts])
    fold_of[order] = np.arange(samples) % folds  # class by class, to spread each class evenly
    return fold_of


def _of_time(samples: int, key: Array | None, folds: int) -> Iterator[tuple[Array, Array]]:
    moments = np.arange(samples) if key is None else key
    size = samples // (folds + 1)
    if size == 0:
        raise _too_few(counted(samples, "sample"), folds)
    starts = samples - size * np.arange(folds, 0, -1)
    bounds = [*np.sort(moments)[starts].tolist(), int(moments.max()) + 1]
    if bounds[0] == moments.min() or len(set(bounds)) < len(bounds):
        raise _too_few("too many samples are of one time", folds)
    for start, stop in pairwise(bounds):
        yield (
            np.flatnonzero(moments < start),
            np.flatnonzero((moments >= start) & (moments < stop)),
        )


def _too_few(what: str, folds: int) -> DataError:
    return DataError(f"{what}: too few for {folds} folds", path=("data", "folds"), code="E036")
