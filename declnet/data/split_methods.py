"""How samples are divided into training, validation and test data, method by method."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from declnet.components.arrays import Array
from declnet.components.data_source import Dataset
from declnet.components.table import Table
from declnet.errors import DataError

Divide = Callable[[int, Array | None, float, float, np.random.Generator], dict[str, Array]]
"""From the number of samples, the key, the shares of validation and test and a random stream to the
positions of each data set. The validation share changes nothing of the test data."""


def held_out_count(samples: int, fraction: float) -> int:
    """How many of the samples are held out."""
    return round(samples * fraction)


def _random(
    samples: int, _key: Array | None, validation: float, test: float, rng: np.random.Generator
) -> dict[str, Array]:
    """Samples in a random order; validation data from its start, test data from its end."""
    order = rng.permutation(samples)
    return _ends(order, held_out_count(samples, validation), held_out_count(samples, test))


def _stratified(
    samples: int, key: Array | None, validation: float, test: float, rng: np.random.Generator
) -> dict[str, Array]:
    """Of each class its share, so rounded that sums are right; one of each stays in training."""
    members = _members(key, samples, rng)
    sizes = np.array([len(each) for each in members])
    for_test = np.minimum(_shared(sizes, test), sizes - 1)
    for_validation = np.minimum(_shared(sizes, validation), sizes - 1 - for_test)
    parts = [
        _ends(each, v, t) for each, v, t in zip(members, for_validation, for_test, strict=True)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _grouped(
    samples: int, key: Array | None, validation: float, test: float, rng: np.random.Generator
) -> dict[str, Array]:
    """Whole groups in a random order, as many from both ends as come nearest to the shares."""
    members = _members(key, samples, rng)
    order = rng.permutation(len(members))
    sizes = np.array([len(members[each]) for each in order])
    last = _nearest(sizes[::-1], held_out_count(samples, test))
    first = _nearest(sizes, held_out_count(samples, validation))
    ends = _ends(order, first, last)
    return {
        name: np.concatenate([members[each] for each in groups]) if len(groups) else groups
        for name, groups in ends.items()
    }


def _time(
    samples: int,
    key: Array | None,
    validation: float,
    test: float,
    rng: np.random.Generator,  # noqa: ARG001
) -> dict[str, Array]:
    """In the order of time: training, validation, test; samples of one time stay together."""
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


def by_column(column: Array, data: Dataset | Table, name: str) -> dict[str, Array]:
    """The rows where a column says train, validation or test, in any case.

    Raises:
        DataError: it says something else in a row.
    """
    said = np.array([str(each).strip().lower() for each in column.tolist()])
    names = ("train", "validation", "test")
    other = np.flatnonzero(~np.isin(said, names))
    if other.size:
        row = data.row_number(int(other[0])) if isinstance(data, Table) else int(other[0])
        raise DataError(
            f'row {row}, column "{name}" is "{column[other[0]]}"',
            hint="it must say train, validation or test",
            path=("data", "split", "column"),
            code="E036",
        )
    return {each: np.flatnonzero(said == each) for each in names}


def members_of(key: Array) -> list[Array]:
    """The positions of each value of a key of 0, 1, 2 and so on."""
    order = np.argsort(key, kind="stable")
    return np.split(order, np.cumsum(np.bincount(key))[:-1])


def _members(key: Array | None, samples: int, rng: np.random.Generator) -> list[Array]:
    members = members_of(key) if key is not None else [np.arange(samples)]
    return [rng.permutation(each) for each in members]


def _ends(order: Array, first: int, last: int) -> dict[str, Array]:
    """What is at the start of an order, at its end and between."""
    stop = len(order) - last
    return {"train": order[first:stop], "validation": order[:first], "test": order[stop:]}


def _shared(sizes: Array, share: float) -> Array:
    """A share of each class in whole samples, by largest remainder; the sum is that of all."""
    exact = sizes * share
    counts = np.floor(exact).astype(int)
    left = held_out_count(int(sizes.sum()), share) - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[: max(left, 0)]] += 1
    return counts


def _nearest(sizes: Array, wanted: int) -> int:
    """How many of the first groups come nearest to so many samples; if any, at least one."""
    if wanted == 0 or not len(sizes):
        return 0
    sums = np.cumsum(sizes)
    return int(np.argmin(np.abs(sums - wanted))) + 1
