"""Cross-validation: each part of the data is held out once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, pairwise

import numpy as np

from declnet.components.arrays import Array
from declnet.components.data_source import Dataset
from declnet.components.table import Table
from declnet.data.split_keys import distinct, split_key
from declnet.data.split_methods import members_of
from declnet.errors import DataError
from declnet.spec.data_section import DataSpec, SplitSpec
from declnet.spec.streams import Stream, random_stream


def one_fold(
    data: Dataset | Table, spec: DataSpec, seed: int
) -> tuple[Dataset | Table, Dataset | Table]:
    """What to train on, and what to validate on, in the fold that a spec chooses, or the first.

    Raises:
        DataError: the data has too few samples, groups, times or values for the folds.
    """
    if spec.folds is None:
        raise ValueError("the spec has no folds")
    parts = fold_positions(data, spec.folds, spec.split, seed)
    rest, held_out = next(islice(parts, (spec.fold or 1) - 1, None))
    return data.take(rest), data.take(held_out)


def fold_positions(
    data: Dataset | Table, folds: int, method: SplitSpec, seed: int
) -> Iterator[tuple[Array, Array]]:
    """The positions to train on and those to validate on, fold by fold, in ascending order.

    Random, stratified and grouped folds take each sample for validation once. In folds of time each
    is validated on the stretch after those that it is trained on, so the first stretch is only
    trained on. Folds by a column have one value of it each.

    Args:
        data: what is left after the test data was held out.
        folds: how many, at least 2.
        method: how.
        seed: the run's seed.

    Raises:
        DataError: there are not so many samples, groups, times or values.
    """
    key = split_key(data, method)
    if method.method == "time":
        yield from _of_time(len(data), key, folds)
        return
    fold_of = _fold_of(len(data), key, folds, method.method, seed)
    for fold in range(folds):
        yield np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)


def _fold_of(samples: int, key: Array | None, folds: int, method: str, seed: int) -> Array:
    """The fold of each sample, for whose validation it serves."""
    rng = random_stream(seed, Stream.SPLIT)
    if method == "column":
        values, found = distinct(key if key is not None else np.arange(samples))
        if len(values) != folds:
            raise _too_few(f"the column has {len(values)} values", folds)
        return found
    if samples < folds:
        raise _too_few(f"there are {samples} samples", folds)
    fold_of = np.empty(samples, int)
    if method == "grouped" and key is not None:
        groups = members_of(key)
        if len(groups) < folds:
            raise _too_few(f"there are {len(groups)} groups", folds)
        filled = np.zeros(folds, int)
        order = rng.permutation(len(groups))
        for group in sorted(order, key=lambda each: -len(groups[each])):  # the largest first
            fold = int(np.argmin(filled))
            fold_of[groups[group]] = fold
            filled[fold] += len(groups[group])
        return fold_of
    parts = members_of(key) if key is not None else [np.arange(samples)]
    order = np.concatenate([rng.permutation(part) for part in parts])
    fold_of[order] = np.arange(samples) % folds  # class after class, so that all are spread alike
    return fold_of


def _of_time(samples: int, key: Array | None, folds: int) -> Iterator[tuple[Array, Array]]:
    moments = np.arange(samples) if key is None else key
    size = samples // (folds + 1)
    if size == 0:
        raise _too_few(f"there are {samples} samples", folds)
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
