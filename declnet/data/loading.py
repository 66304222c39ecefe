"""Loads a data source, and checks what it gave."""

from __future__ import annotations

import numpy as np

from declnet.components.arrays import Array, Dtype
from declnet.components.data_source import Dataset, DataSource
from declnet.errors import DataError
from declnet.spec.streams import DataSet, Stream, random_stream


def load_dataset(source: DataSource, seed: int, data_set: DataSet) -> Dataset:
    """Loads a source with the data set's own random stream, and checks the arrays.

    Raises:
        DataError: the source failed, or its arrays do not go together.
    """
    dataset = source.load(random_stream(seed, Stream.DATA, data_set))
    return checked(dataset, data_set.name.lower())


def as_dataset(data: Dataset | tuple[Array, Array], label: str) -> Dataset:
    """Takes what a program hands over, `(x, y)` or a `Dataset`; raises DataError if it is wrong."""
    if not isinstance(data, Dataset):
        if not isinstance(data, tuple | list) or len(data) != 2:
            raise DataError(f"{label} data must be (x, y) or a Dataset, not {type(data).__name__}")
        data = Dataset(np.asarray(data[0]), np.asarray(data[1]))
    return checked(data, label)


def checked(dataset: Dataset, label: str) -> Dataset:
    """The data set, if x and y are finite numbers with as many samples each.

    Raises:
        DataError: naming the first sample at fault.
    """
    for name, array in (("x", dataset.x), ("y", dataset.y)):
        if array.dtype.kind not in "fiub":
            raise DataError(f"{label} data: {name} must be numbers, not {array.dtype}")
        if array.ndim == 0:
            raise DataError(f"{label} data: {name} is a single number; its first axis is samples")
        _check_finite(array, f"{label} data: {name}")
    if len(dataset.x) != len(dataset.y):
        raise DataError(f"{label} data: x has {len(dataset.x)} samples, but y has {len(dataset.y)}")
    if len(dataset) == 0:
        raise DataError(f"{label} data: there are no samples")
    return dataset


def as_input(x: Array, dtype: Dtype, integer: bool) -> Array:
    """X in the type that the model computes with; no copy where it is that already.

    Args:
        x: the samples.
        dtype: the model's float type.
        integer: whether the model's first layers take integers as they are.

    Raises:
        DataError: integers are needed and x has floats.
    """
    if not integer:
        return np.ascontiguousarray(x, dtype)
    if x.dtype.kind not in "iu":
        raise DataError(f"the model takes integers, but x is {x.dtype}")
    return np.ascontiguousarray(x)


def _check_finite(array: Array, label: str) -> None:
    if array.dtype.kind == "f":
        finite = np.isfinite(array)
        if not finite.all():
            where = np.unravel_index(int(np.argmin(finite)), array.shape)
            position = ", ".join(str(index) for index in where)
            count = array.size - int(np.count_nonzero(finite))
            raise DataError(
                f"{label} has {count} values that are NaN or infinite, the first at [{position}]"
            )
