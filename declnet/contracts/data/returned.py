"""Checks on the return values of data sources and transforms."""

from __future__ import annotations

import operator
from collections.abc import Collection, Mapping
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, MappedArray
from declnet.contracts.component import Component
from declnet.contracts.data.data_source import Blocks, DataInfo, Dataset
from declnet.contracts.data.table import Table
from declnet.contracts.data.transform import Fitting, Sequences
from declnet.contracts.network.inputs import Batch, wrapped
from declnet.contracts.returned import (
    BrokenContractError,
    array_of_rows,
    array_of_samples,
    is_whole,
    refuse,
)
from declnet.contracts.serialization import NotPlainError, read_again


def checked_info(source: Component, info: Any) -> DataInfo | None:
    """Return the result of `DataSource.describe`: a DataInfo, or None for a table."""
    if not isinstance(info, DataInfo | None):
        refuse(source, "describe", info, "a DataInfo, or None for a table")
    if info is not None and not _are_names(info.class_names):
        refuse(source, "describe", info.class_names, "a tuple of class names or None")
    return info


def checked_load(source: Component, data: Any, method: str = "load") -> Dataset | Table:
    """Return the result of `DataSource.load`, or a part of `chunks`: a Dataset or a Table.

    Text, and arrays of different lengths, are refused later, as faults of the data.
    """
    if isinstance(data, Table):
        return _checked_table(source, data, method)
    if not isinstance(data, Dataset):
        refuse(source, method, data, "a Dataset or a Table")
    arrays = [*_called(data.inputs, "x"), *_called(data.targets, "y")]
    if data.weights is not None:
        arrays.append(("weights", data.weights))
    for name, array in arrays:
        is_text = isinstance(array, np.ndarray) and array.dtype.kind == "U"
        if not isinstance(array, MappedArray) and not (is_text and array.ndim):
            array_of_samples(source, method, array, name)
    return data


def _called(arrays: Mapping[str, Any], name: str) -> list[tuple[str, Any]]:
    """Return arrays with what messages call them."""
    return [(f'{name}["{key}"]' if key else name, array) for key, array in arrays.items()]


def _checked_table(source: Component, table: Table, method: str) -> Table:
    """Return a table whose columns are arrays (n,) of numbers, booleans or text."""
    table = table.without_masks()
    for name, column in table.columns.items():
        array_of_samples(source, method, column, f'column "{name}"', text=True)
        if column.ndim != 1:
            refuse(source, method, column, f'an array (n,) as column "{name}"')
        wrong = {*map(type, column)} - {str, NoneType} if column.dtype.kind == "O" else set()
        if not all(issubclass(each, str) for each in wrong):
            names = " and ".join(sorted(each.__name__ for each in wrong))
            fault = f'returned column "{name}" of objects with {names}, not text or None'
            raise BrokenContractError(source, method, fault)
    lengths = {len(column): name for name, column in table.columns.items()}
    if len(lengths) > 1:
        found = " and ".join(f'"{name}" of {length}' for length, name in lengths.items())
        raise BrokenContractError(source, method, f"returned columns {found} rows")
    return table


def checked_blocks(source: Component, blocks: Any) -> Blocks | None:
    """Return the result of `DataSource.blocks`: Blocks of sizes of at least 1, or None."""
    if not isinstance(blocks, Blocks | None):
        refuse(source, "blocks", blocks, "Blocks or None")
    if blocks is not None and not all(is_whole(size) and size > 0 for size in blocks.sizes):
        refuse(source, "blocks", blocks.sizes, "sizes of at least 1")
    if blocks is not None and len(blocks.groups) not in (0, len(blocks.sizes)):
        refuse(source, "blocks", blocks.groups, "a group for each block, or none")
    return blocks


def checked_data_files(source: Component, files: Any) -> Collection[Path]:
    """Return the result of `DataSource.data_files`: a collection of paths."""
    if not isinstance(files, Collection) or not all(isinstance(file, Path) for file in files):
        refuse(source, "data_files", files, "a collection of pathlib.Path")
    return files


def checked_fitting(transform: Component, fitting: Any) -> Fitting | None:
    """Return the result of `Transform.fitting`: a Fitting or None."""
    if not isinstance(fitting, Fitting | None):
        refuse(transform, "fitting", fitting, "a Fitting or None")
    return fitting


def checked_inputs(source: Component, part: Any) -> Batch | Table:
    """Return a part yielded by `DataSource.input_chunks`: a Table, or arrays by name."""
    if isinstance(part, Table):
        return part
    arrays = wrapped(part or None) if isinstance(part, Mapping) else wrapped(part)
    for array in arrays.values():
        array_of_samples(source, "input_chunks", array)
    if len({len(array) for array in arrays.values()}) > 1:
        refuse(source, "input_chunks", part, "arrays of equally many samples")
    return arrays


def checked_sample_names(source: Component, names: Any) -> tuple[str, ...] | None:
    """Return the result of `DataSource.sample_names`: a tuple of text, or None."""
    if not _are_names(names):
        refuse(source, "sample_names", names, "a tuple of names or None")
    found: tuple[str, ...] | None = names
    return found


def _are_names(names: Any) -> bool:
    """Return whether it is a tuple of text, or None."""
    return names is None or (
        isinstance(names, tuple) and all(isinstance(each, str) for each in names)
    )


def checked_suits(transform: Component, suits: Any) -> bool:
    """Return the result of `Transform.suits`: whether it takes a column."""
    if not isinstance(suits, bool | np.bool_):
        refuse(transform, "suits", suits, "True or False")
    return bool(suits)


def checked_fit(transform: Component, state: Any) -> dict[str, Any]:
    """Return the result of `Transform.fit`: values by name that can be stored with the run."""
    if not isinstance(state, Mapping):
        refuse(transform, "fit", state, "a dict")
    try:
        read_again(dict(state))
    except NotPlainError as error:
        fault = f"returned what cannot be stored with the run: {error}"
        raise BrokenContractError(transform, "fit", fault) from None
    return dict(state)


def checked_column(transform: Component, column: Any, rows: int, method: str = "apply") -> Array:
    """Return the result of `Transform.apply` or `inverse`: an array with a row for each row."""
    return array_of_rows(transform, method, column, rows, text=True)


def checked_sequences(transform: Component, column: Any, rows: int) -> tuple[Array, Array | None]:
    """Return the result of `Transform.apply`: an array with a row for each row of the column.

    The second item is the lengths (n,) of sequences, or None.
    """
    if isinstance(column, Sequences):
        values = checked_column(transform, column.values, rows)
        lengths = column.lengths
        if values.ndim < 2:
            refuse(transform, "apply", values, "sequences of shape (n, time, …)")
        integers = isinstance(lengths, np.ndarray) and lengths.dtype.kind in "iu"
        if not integers or lengths.shape != (rows,):
            refuse(transform, "apply", lengths, f"lengths as integers of shape ({rows},)")
        if rows and not 0 <= lengths.min() <= lengths.max() <= values.shape[1]:
            refuse(transform, "apply", lengths, f"lengths from 0 to {values.shape[1]}")
        return values, lengths
    return checked_column(transform, column, rows), None


def checked_names(transform: Component, names: Any) -> tuple[str, ...]:
    """Return the result of `Transform.feature_names`: a name for each number of a row."""
    if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
        refuse(transform, "feature_names", names, "a tuple of names")
    return names


def checked_levels(transform: Component, levels: Any) -> int | None:
    """Return the result of `Transform.levels`: a number of integers, or None."""
    if levels is not None and (not is_whole(levels) or levels < 1):
        refuse(transform, "levels", levels, "an integer of at least 1, or None")
    return None if levels is None else operator.index(levels)
