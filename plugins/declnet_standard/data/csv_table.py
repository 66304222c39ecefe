"""Typed columns of a CSV file, whole or in chunks."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from declnet import Array, ColumnType, DataError
from declnet_standard.data.cells import Cells
from declnet_standard.data.csv_format import CSVFormat
from declnet_standard.data.csv_polars import PlainBlocks, polars_is_there
from declnet_standard.data.csv_rows import CSVFile
from declnet_standard.data.text_file import opened
from declnet_standard.data.typed_column import TypedColumn

Types = Mapping[str, ColumnType]
Block = tuple[int, Sequence[Cells]]
"""The number of the block's first row, and the cells of each column."""


def read_names(form: CSVFormat) -> list[str]:
    """Return the names of the columns; raise DataError if the file cannot be read."""
    with opened(form.path, form.most_bytes) as raw:
        file = CSVFile(raw, form)
        file.close()
        return file.names


def read_csv(
    form: CSVFormat, declared: Types, settled: Types, only: frozenset[str] | None = None
) -> dict[str, Array]:
    """Return the columns of a file.

    Args:
        form: the file's format.
        declared: types of columns that every cell must have.
        settled: types of columns in the training data.
        only: the columns to read; default: all.

    Raises:
        DataError: the file cannot be read, has no rows, or a cell is not of its column's type.
    """
    columns = _read(form, declared, settled, only)
    lost = [name for name, column in columns.items() if column.lost]
    if lost:
        again = _read(form, dict.fromkeys(lost, "text"), {}, only=frozenset(lost))
        columns |= again
    arrays = {name: column.array() for name, column in columns.items()}
    if not len(next(iter(arrays.values()))):
        raise DataError(f"{form.path}: has a header, but no rows")
    return arrays


def read_csv_in_chunks(
    form: CSVFormat, declared: Types, settled: Types, rows: int, only: frozenset[str] | None = None
) -> Iterator[dict[str, Array]]:
    """Yield the columns of a file in chunks of up to `rows` rows, with the same types in all.

    Raises:
        DataError: as `read_csv`.
    """
    all_names = read_names(form)
    names = [name for name in all_names if only is None or name in only]
    unknown = [name for name in names if name not in declared and name not in settled]
    if unknown:
        found = found_types(form, frozenset(unknown))
        settled = {**settled, **found}
    waiting: dict[str, list[Array]] = {name: [] for name in names}
    count, any_rows = 0, False
    for first_row, block in blocks(form):
        any_rows = True
        for name, cells in zip(all_names, block, strict=True):
            if name not in waiting:
                continue
            column = TypedColumn(name, declared.get(name), settled.get(name))
            column.add(cells, first_row)
            waiting[name].append(column.array())
        count += len(block[0])
        while count >= rows:
            yield _cut(waiting, rows)
            count -= rows
    if count:
        yield _cut(waiting, count)
    if not any_rows:
        raise DataError(f"{form.path}: has a header, but no rows")


def found_types(form: CSVFormat, only: frozenset[str]) -> dict[str, ColumnType]:
    """Return the types of some columns, from all their cells."""
    types: dict[str, ColumnType] = {}
    for name, column in _read(form, {}, {}, only=only, keep=False).items():
        kind = "text" if column.lost else column.type
        types[name] = kind if kind in ("integer", "boolean", "text") else "number"  # type: ignore[assignment]
    return types


def blocks(form: CSVFormat) -> Iterator[Block]:
    """Yield a file's cells in blocks, by polars if it is installed and reads them identically."""
    done = 0
    if polars_is_there() and form.decimal == ".":
        with opened(form.path, form.most_bytes) as raw:
            plain = PlainBlocks(raw, form, len(read_names(form)))
            yield from plain
            if plain.complete:
                return
            done = plain.rows
    for first_row, block in _rows(form):
        skipped = min(max(done + 1 - first_row, 0), len(block[0]))
        if skipped < len(block[0]):
            cells = [Cells(values[skipped:], form.missing, form.decimal) for values in block]
            yield first_row + skipped, cells


def _rows(form: CSVFormat) -> Iterator[tuple[int, Sequence[Sequence[str]]]]:
    """Yield the cells of a file as text."""
    with opened(form.path, form.most_bytes) as raw:
        file = CSVFile(raw, form)
        try:
            yield from file.blocks()
        finally:
            file.close()


def _read(
    form: CSVFormat,
    declared: Types,
    settled: Types,
    only: frozenset[str] | None = None,
    keep: bool = True,
) -> dict[str, TypedColumn]:
    names = read_names(form)
    columns = {
        position: TypedColumn(name, declared.get(name), settled.get(name), keep)
        for position, name in enumerate(names)
        if only is None or name in only
    }
    for first_row, block in blocks(form):
        for position, column in columns.items():
            column.add(block[position], first_row)
    return {column.name: column for column in columns.values()}


def _cut(waiting: dict[str, list[Array]], rows: int) -> dict[str, Array]:
    """Remove rows from the front of each column and return them."""
    taken = {}
    for name, parts in waiting.items():
        whole = np.concatenate(parts) if len(parts) > 1 else parts[0]
        taken[name] = whole[:rows]
        parts[:] = [whole[rows:]]
    return taken
