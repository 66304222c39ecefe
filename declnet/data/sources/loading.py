"""Loading data sources and checking the data they return."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from threading import Lock
from typing import Any, TypeVar

import numpy as np

from declnet.caching import computed_once, shares_results
from declnet.contracts.arrays import Array, Dtype, MappedArray, plain_array, read_only
from declnet.contracts.data.data_source import DataSource
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.table import Table
from declnet.contracts.network.inputs import NAME_HINT, UNNAMED, is_name
from declnet.contracts.returned import verified
from declnet.data.cells import trimmed
from declnet.data.columns import require_column
from declnet.data.sources.held_files import HeldFiles
from declnet.data.sources.python_table import as_table, is_table
from declnet.errors import DataError
from declnet.spec.streams import DataSet, Stream, random_stream


def fingerprint(dataset: Dataset) -> str:
    """Return `sha256:…` of the dtypes, shapes and bytes of x, y and weights, and of names in x."""
    digest = hashlib.sha256()
    weights = () if dataset.weights is None else (dataset.weights,)
    for name, array in (
        *dataset.inputs.items(),
        *dataset.targets.items(),
        *((UNNAMED, weight) for weight in weights),
    ):
        digest.update(name.encode())
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        parts = array.stored() if isinstance(array, MappedArray) else (array,)
        for part in parts:
            digest.update(np.ascontiguousarray(part).data)
    return f"sha256:{digest.hexdigest()}"


Samples = TypeVar("Samples", Array, MappedArray, Array | MappedArray)


def _state(rng: np.random.Generator) -> tuple[Any, ...]:
    """Return what changes when numbers are drawn from a generator, or others are made from it."""
    return rng.bit_generator.state, getattr(rng.bit_generator.seed_seq, "n_children_spawned", 0)


def load_source(source: DataSource, seed: int, data_set: DataSet) -> Dataset | Table:
    """Load a source with the data set's own random stream and check the result.

    Runs that share results (`declnet.caching`) get the same arrays, to be read only.

    Raises:
        DataError: the source failed, its files changed meanwhile, or its arrays are inconsistent.
    """
    if not shares_results():
        return _load(source, random_stream(seed, Stream.DATA, data_set), data_set)

    def load() -> tuple[Dataset | Table, int | None]:
        """Return the data, and the seed unless the source drew no random numbers."""
        rng = random_stream(seed, Stream.DATA, data_set)
        before = _state(rng)
        data = guarded(_load(source, rng, data_set))
        return data, seed if _state(rng) != before else None

    key = "loaded", source, data_set
    with computed_once((), ("loading",), Lock):  # threads wait for the data that another one loads
        data, drawn_by = computed_once((), key, load)
        if drawn_by not in (None, seed):
            data, _ = computed_once((), (*key, seed), load)
    return data


def _load(source: DataSource, rng: np.random.Generator, data_set: DataSet) -> Dataset | Table:
    with HeldFiles(source).unchanged(untouched=True):
        data = verified(DataSource.load, source, rng)
    return checked_data(data, data_set.name.lower())


def checked_data(data: Dataset | Table, label: str) -> Dataset | Table:
    """Return a source's data if it is consistent; raise DataError otherwise."""
    return checked(data, label) if isinstance(data, Dataset) else checked_records(data, label)


def checked_records(records: Table, label: str) -> Table:
    """Return the table with its text as cells, if its columns have valid types and equal lengths.

    Raises:
        DataError: a column is invalid; the message names it.
    """
    records = records.without_masks()
    for name, column in records.columns.items():
        if column.ndim != 1 or column.dtype.kind not in "fiubO":
            raise DataError(
                f'{label} data: column "{name}" must be (n,) of numbers, booleans or text, not '
                f"{column.dtype} of shape {column.shape}"
            )
        if len(column) != len(records):
            raise DataError(
                f'{label} data: column "{name}" has {len(column)} rows, others have {len(records)}'
            )
    if not len(records):
        raise DataError(f"{label} data: there are no rows")
    if records.trimmed:
        return records
    columns = {
        name: trimmed(column, records.cells) if column.dtype.kind == "O" else column
        for name, column in records.columns.items()
    }
    return replace(records, columns=columns, trimmed=True)


GivenData = Dataset | Table | tuple[Any, Any]
"""Types accepted as a data set from a program; see `as_data`."""


def as_data(data: Any, label: str) -> Dataset | Table:
    """Convert data passed in by a program.

    Args:
        data: a `Dataset`; a `Table` with a target; `(x, y)`, both arrays, where x may be arrays by
            name, some of several axes, and y targets by name; or a table that `as_table` accepts,
            as `(table, name of the target column)`, `(table, names of several)` or `(table, y)`.
        label: the name used in messages, e.g. `"train"`.

    Raises:
        DataError: the data is none of these, or is inconsistent.
    """
    if isinstance(data, Dataset | Table):
        return checked_data(data, label)
    if not isinstance(data, tuple | list) or len(data) != 2:
        kind = type(data).__name__
        hint = None
        if hasattr(data, "columns"):
            hint = 'for a data frame: (frame, "name of the target column")'
        raise DataError(f"{label} data must be (x, y), a Dataset or Table, not {kind}", hint=hint)
    features, y = data
    if isinstance(y, str):
        table = as_table(features, y)
        if not isinstance(table, Table):
            raise DataError(f'{label} data is not a table, so it has no column "{y}"')
        require_column(table.columns, y)
        return checked_records(table, label)
    if _are_column_names(y, features):
        table = as_table(features)
        if isinstance(table, Table):
            return checked_records(replace(table, targets=tuple(y)), label)
    y = {str(name): values for name, values in y.items()} if _are_targets(y) else y
    if _are_inputs(features):
        x = {str(name): values for name, values in features.items()}
        return checked(Dataset(x, y), label)
    if is_table(features):
        return checked_records(_with_target(features, y, label), label)
    return checked(Dataset(features, y), label)


def _with_plain_arrays(dataset: Dataset, label: str) -> Dataset:
    """Return a data set of NumPy arrays, converted from lists or from subclasses if necessary."""
    weights = () if dataset.weights is None else (dataset.weights,)
    arrays = *dataset.inputs.values(), *dataset.targets.values(), *weights
    if all(type(array) in (np.ndarray, MappedArray) for array in arrays):
        return dataset

    def plain(values: Any, name: str) -> Any:
        if isinstance(values, MappedArray):
            return values
        return plain_array(values, f"{label} data: {name}")

    x, y = (
        {key: plain(array, str(key) or unnamed) for key, array in arrays.items()}
        for arrays, unnamed in ((dataset.inputs, "x"), (dataset.targets, "y"))
    )
    return replace(dataset, x=x, y=y, weights=plain(weights[0], "weights") if weights else None)


def _are_column_names(y: Any, features: Any) -> bool:
    """Return whether y names columns of a table, rather than being a column of texts."""
    if not isinstance(y, list | tuple) or not y or not all(isinstance(name, str) for name in y):
        return False
    return is_table(features) and {*y} <= {*getattr(features, "columns", features)}


def _are_targets(y: Any) -> bool:
    """Return whether y is several targets by name, not one in a mapping of one column."""
    return isinstance(y, Mapping) and not hasattr(y, "columns")


def _are_inputs(features: Any) -> bool:
    """Return whether a mapping holds inputs, not columns: one of them has several axes."""
    return isinstance(features, Mapping) and any(
        getattr(feature, "ndim", 1) > 1
        or (isinstance(feature, list | tuple) and feature and isinstance(feature[0], list | tuple))
        for feature in features.values()
    )


Given = TypeVar("Given", Dataset, Table, Dataset | Table)


def guarded(data: Given) -> Given:
    """Return the data as read-only views of its arrays."""
    if all(isinstance(a, np.ndarray) and not a.flags.writeable for a in data.arrays.values()):
        return data
    arrays = {name: read_only(array) for name, array in data.arrays.items()}
    return data.with_arrays(arrays, data.rows)


def _with_target(features: Any, y: Any, label: str) -> Table:
    """Combine a table of features and separate targets."""
    several = isinstance(y, Mapping)
    named = y if several else {str(getattr(y, "name", None) or "target"): y}
    table, targets = as_table(features), as_table(named)
    if not isinstance(table, Table) or not isinstance(targets, Table):
        raise DataError(f"{label} data must be a table and its targets")
    for name in named:
        if name in table.columns:
            raise DataError(f'{label} data: the table has a column "{name}" besides the target')
    columns = {**table.columns, **targets.columns}
    return Table(columns, targets=tuple(y)) if several else Table(columns, *named)


def checked(dataset: Dataset, label: str) -> Dataset:
    """Return the data set if x and y are finite and have the same number of samples.

    Raises:
        DataError: a sample is invalid; the message names the first one.
    """
    dataset = _with_plain_arrays(dataset, label)
    if not dataset.inputs:
        raise DataError(f"{label} data: x has no inputs")
    if not dataset.targets:
        raise DataError(f"{label} data: y has no targets")
    _check_names(dataset, label)
    try:
        dataset.require_aligned()
    except DataError as error:
        raise DataError(f"{label} data: {error}") from None
    for name, array in dataset.labeled_arrays():
        if array.dtype.kind not in "fiub":
            raise DataError(f"{label} data: {name} must be numbers, not {array.dtype}")
        if 0 in array.shape[1:]:
            shape = array.shape[1:]
            raise DataError(f"{label} data: {name} has samples of shape {shape}, without a number")
        _check_finite(array, f"{label} data: {name}")
    if len(dataset) == 0:
        raise DataError(f"{label} data: there are no samples")
    weights = dataset.weights
    is_numeric = weights is None or weights.dtype.kind in "fiub"
    if weights is not None and not (
        is_numeric and weights.shape == (len(dataset),) and (weights >= 0).all()
    ):
        raise DataError(f"{label} data: weights must be (n,) numbers of at least 0")
    return dataset


def _check_names(dataset: Dataset, label: str) -> None:
    for name in dataset.inputs:
        if not isinstance(name, str) or not (is_name(name) or name == UNNAMED):
            raise DataError(f"{label} data: {name!r} cannot name an input", hint=NAME_HINT)
    for name in dataset.targets:
        if not isinstance(name, str) or not (name or len(dataset.targets) == 1):
            raise DataError(f"{label} data: {name!r} cannot name a target")


def as_input(x: Samples, dtype: Dtype, integer: bool, name: str = "x") -> Samples:
    """Convert x to the type that the model computes with, copying only if necessary.

    Args:
        integer: whether the model's first layers take integers without conversion.
        name: what messages call x.

    Raises:
        DataError: integers are required but x has floats.
    """
    if integer and x.dtype.kind not in "iu":
        raise DataError(f"the model takes integers, but {name} is {x.dtype}")
    dtype = computed_integers(x.dtype) if integer else dtype
    if isinstance(x, MappedArray):
        return x if x.dtype == dtype else x.astype(dtype)
    return np.ascontiguousarray(x, dtype)


def computed_integers(dtype: Dtype) -> Dtype:
    """Return the type in which layers get integers: their own, or the next larger of a few.

    Compiled code exists for uint8, int32 and int64 only.
    """
    if dtype in (np.uint8, np.int32, np.int64):
        return dtype
    return np.dtype(np.int32 if dtype.itemsize < 4 else np.int64)


def _check_finite(array: Array | MappedArray, label: str) -> None:
    if isinstance(array, MappedArray):
        start = 0
        for part in array.parts():
            _check_finite(part, f"{label}, samples from {start} on:")
            start += len(part)
    elif array.dtype.kind == "f":
        finite = np.isfinite(array)
        if not finite.all():
            where = np.unravel_index(int(np.argmin(finite)), array.shape)
            position = ", ".join(str(index) for index in where)
            count = array.size - int(np.count_nonzero(finite))
            raise DataError(
                f"{label} has {count} values that are NaN or infinite, the first at [{position}]"
            )
