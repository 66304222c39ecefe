"""Holds fractions of the training data out for validation and for the test."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from declnet.components.arrays import Array
from declnet.components.data_source import Dataset
from declnet.components.table import Table
from declnet.data.split_keys import split_key
from declnet.data.split_methods import DIVIDE, by_column, held_out_count
from declnet.errors import DataError
from declnet.spec.data_section import SplitSpec
from declnet.spec.streams import Stream, random_stream

Data = Dataset | Table


def split(data: Data, shares: Mapping[str, float], method: SplitSpec, seed: int) -> dict[str, Data]:
    """Divides the training data.

    Args:
        data: all of it.
        shares: the fractions to hold out for `"validation"` and `"test"`, each between 0 and 1;
            not needed where a column says it.
        method: how.
        seed: the run's seed.

    Returns:
        `"train"` and what is held out, each in the order of the data.

    Raises:
        DataError: one of them would be empty, or the data cannot be split so.
    """
    positions = split_positions(data, shares, method, seed)
    return {name: data.take(each) for name, each in positions.items()}


def split_positions(
    data: Data, shares: Mapping[str, float], method: SplitSpec, seed: int
) -> dict[str, Array]:
    """Which rows each data set gets, in ascending order; raises DataError as `split` does."""
    key = split_key(data, method)
    if method.method == "column":
        if key is None:
            raise AssertionError
        positions = by_column(key, data, str(method.column))
    else:
        rng = random_stream(seed, Stream.SPLIT)
        validation, test = (shares.get(name, 0.0) for name in ("validation", "test"))
        _require_sizes(len(data), shares)
        positions = DIVIDE[method.method](len(data), key, validation, test, rng)
    found = {name: np.sort(each) for name, each in positions.items() if len(each)}
    for name in ("train", *shares):
        if name not in found:
            raise _impossible(f"the split leaves nothing for {name} of {len(data)} samples", shares)
    return found


def _require_sizes(samples: int, shares: Mapping[str, float]) -> None:
    for name, share in shares.items():
        size = held_out_count(samples, share)
        if not 0 < size < samples:
            rest = f"{size} for {name} and {samples - size} for training"
            message = f"data.{name} = {share} of {samples} samples leaves {rest}"
            raise DataError(message, path=("data", name), code="E033")


def _impossible(message: str, shares: Mapping[str, float]) -> DataError:
    path = ("data", next(iter(shares))) if shares else ("data", "split")
    return DataError(message, hint="take another fraction or method", path=path, code="E033")
