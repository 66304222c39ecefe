"""Table columns: selecting features, applying transforms and joining columns into one array."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isfinite
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.table import CellFormat, ColumnType, Table, missing_values
from declnet.contracts.data.transform import ColumnError, Sequences, Transform
from declnet.contracts.network.loss import Loss
from declnet.data.typed_columns import as_type
from declnet.display.words import alternatives
from declnet.errors import DataError, KeyPath, error_message
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.registry.spelling import closest, suggestion


def features_of(records: Table, without: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the names of the feature columns.

    Args:
        without: columns with another purpose, e.g. sample weights.

    Raises:
        DataError: the table has no feature columns, one of them does not exist, or the target is
            one of them.
    """
    left_out = set(without)
    names = tuple(name for name in records.feature_columns if name not in left_out)
    for target in records.target_columns:
        if target in names:
            raise DataError(
                f'the target "{target}" is among the features, so it would be predicted from '
                "itself",
                hint="remove it from features",
                path=("data", "train", "features", records.feature_columns.index(target)),
                code="E037",
            )
    for name in names:
        require_column(records.columns, name)
    if not names:
        raise DataError("the table has no feature columns, only the target", code="E034")
    return names


def require_column(columns: Collection[str], name: str, **where: Any) -> None:
    """Raise DataError, suggesting similar names, if the column does not exist."""
    if name not in columns:
        known = [column for column in columns if "\n" not in column]
        hint = suggestion(name, known if closest(name, known) else known[:20], "columns")
        message = f'there is no column "{name}"'
        raise DataError(message, hint=hint, code="E034", column=name, **where)


def require_known(kind: str, name: str, known: Collection[str], path: KeyPath) -> None:
    """Raise DataError, suggesting similar names, unless a class, target or input is known."""
    if name not in known:
        hint = suggestion(name, known, "classes" if kind == "class" else f"{kind}s")
        raise DataError(f'there is no {kind} "{name}"', hint=hint, path=path, code="E034")


def refuse_rows(
    table: Table, name: str, wrong: Array, fault: str | Callable[[Any], str], **details: Any
) -> None:
    """Raise DataError for the first row in which a value is wrong, if there is one.

    Args:
        table: the table.
        name: the name of the column.
        wrong: where its values are wrong, booleans (n,).
        fault: what is wrong, as for `DataError.in_cell`; or a function of the value.
        details: other arguments of `DataError.in_cell`.
    """
    row = _first(wrong)
    if row is not None:
        text = fault if isinstance(fault, str) else fault(table.columns[name][row])
        raise DataError.in_cell(table.row_number(row), name, text, **details)


def table_with(name: str, data: Dataset | Table, path: KeyPath, purpose: str) -> Table:
    """Return the data if it is a table with a column that the spec names at a path.

    Raises:
        DataError: it is not a table, or lacks the column.
    """
    if isinstance(data, Dataset):
        message = f"the data is not a table, so it has no {purpose}"
        raise DataError(message, path=path, code="E034")
    require_column(data.columns, name, path=path)
    return data


def labels_of(y: Array) -> Array | None:
    """Return the labels (n,) of integer or one-hot targets; None if y holds numbers."""
    if y.ndim == 2 and y.shape[1] > 1:
        labels: Array = np.argmax(y, axis=1)
        return labels
    return y.reshape(-1) if y.dtype.kind in "iub" else None


def typed(records: Table, types: Mapping[str, ColumnType], cells: CellFormat) -> dict[str, Array]:
    """Return the feature columns in the order and with the types of the training data.

    Args:
        records: any data; columns that are not features are dropped.
        types: the types of the training data's features, in order.
        cells: how the training data's cells of text are written.

    Raises:
        DataError: a column is missing, or a cell does not have its type.
    """
    columns, rows = {}, records.row_numbers
    are_cells = records.trimmed and records.cells == cells
    for name, expected in types.items():
        if name not in records.columns:
            require_column(records.columns, name)
        column = records.columns[name]
        is_typed = expected == "number" and column.dtype == float
        if not (is_typed or (are_cells and expected == "text" and column.dtype == object)):
            column = as_type(name, column, expected, cells, rows)
        columns[name] = column
    return columns


@contextmanager
def located(transform: Transform, name: str, records: Table, number: int) -> Iterator[None]:
    """Turn an error of a transform on a column into one with row, column and place in the spec."""
    try:
        yield
    except (ColumnError, MemoryError) as error:
        raise refused_column(error, transform, name, records, number) from None


def refused_column(
    error: ColumnError | MemoryError, transform: Transform, name: str, records: Table, number: int
) -> DataError:
    """Return the error of a transform on a column with row, column and place in the spec."""
    path = ("data", "prepare", number)
    if isinstance(error, ColumnError):
        row = None if error.row is None else records.row_number(error.row)
        fault = f"{error.message} ({transform.type})"
        return DataError.in_cell(row, name, fault, hint=error.hint, path=path, code="E035")
    message = f'column "{name}" needs too much memory ({transform.type}): {error_message(error)}'
    return DataError(message, path=path, code="E051")


MOST_NAMED = 4
MOST_EXAMPLES = 20


def encoding_hint(registry: Registry | None = None, like: Sequence[str] = ("a", "b", "a")) -> str:
    """Say which transforms turn a column of such texts into numbers."""
    text = np.array(like, object)
    return _added([name for name, y in _transformed(text, registry) if y.dtype.kind in "fiub"])


def filling_hint(column: Array, registry: Registry | None = None) -> str:
    """Say which transforms fill the gaps in such a column."""
    values = ["a", None, "b"] if column.dtype.kind == "O" else [1.0, np.nan, 2.0]
    gaps = np.array(values, column.dtype if column.dtype.kind == "O" else float)
    return _added([name for name, y in _transformed(gaps, registry) if not missing_values(y).any()])


def losses_hint(targets: str, registry: Registry | None = None) -> str | None:
    """Say which losses take the given targets: `"classes"`, `"binary"` or `"values"`."""
    sorts = {"classes": "classes", "binary": "two classes", "values": "numbers"}
    names = [
        entry.type
        for entry in (registry or default_registry()).entries("loss")
        if entry.component.targets == targets
        and (targets != "values" or _takes_values(entry.component))
    ]
    if not names:
        return None
    return f"for {sorts[targets]}, use a loss such as {_listed(names)}"


def _takes_values(loss: type[Loss]) -> bool:
    """Return whether a loss takes outputs of the targets' kind and shape unchanged."""
    return loss.takes in (None, "values") and loss.prepare is Loss.prepare


def _transformed(column: Array, registry: Registry | None) -> Iterator[tuple[str, Array]]:
    """Yield the column as transformed by each suitable installed transform, with its defaults."""
    for entry in (registry or default_registry()).entries("transform"):
        try:
            transform = entry.component()
            if transform.training_only or not transform.suits(column):
                continue
            y = transform.apply(column, transform.fit(column))
        except Exception:  # noqa: S112  # a transform that fails is not suggested
            continue
        values = y.values if isinstance(y, Sequences) else y
        if isinstance(values, np.ndarray) and len(values) == len(column):
            yield entry.type, values


def _added(names: list[str]) -> str:
    if not names:
        return "leave the column out of the features"
    return f"add {_listed(names)} to data.prepare"


def _listed(names: list[str]) -> str:
    return alternatives(f'"{name}"' for name in names[:MOST_NAMED])


def joined(columns: Mapping[str, Array], records: Table) -> Array:
    """Join columns, each (n,) or (n, k), into x (n, d); integers if all columns are integers.

    Raises:
        DataError: a column is still text, or has missing or infinite values.
    """
    parts = [
        column[:, None] if column.ndim == 1 else column.reshape(len(column), -1)
        for column in columns.values()
    ]
    kinds = {column.dtype.kind for column in columns.values()}
    if not kinds <= {*"fiub"}:
        _require_numbers(columns, records)
    x: Array = np.concatenate(parts, axis=1, dtype=float if "f" in kinds else int)
    with np.errstate(all="ignore"):
        total = np.add.reduce(x, axis=None)
    if not isfinite(total):  # a number is not finite, or only the sum
        _require_numbers(columns, records)
    return x


def _require_numbers(columns: Mapping[str, Array], records: Table) -> None:
    """Raise DataError for the first column that has text, or missing or infinite values."""
    for name, column in columns.items():
        _require_finite(name, column, records)


def _require_finite(name: str, column: Array, records: Table) -> None:
    if column.dtype.kind in "iub" or (column.dtype.kind == "f" and np.isfinite(column).all()):
        return

    def unprepared(row: int, what: str, hint: str) -> DataError:
        place, path = records.row_number(row), ("data", "prepare")
        return DataError.in_cell(place, name, f"is {what}", hint=hint, path=path, code="E035")

    if column.dtype.kind == "O":
        text = _first(~missing_values(column))
        if text is not None:
            like = column[~missing_values(column)][:MOST_EXAMPLES].tolist()
            raise unprepared(text, f'the text "{column[text]}"', encoding_hint(like=like))
    gap = _first(missing_values(column))
    if gap is not None:
        raise unprepared(gap, "missing", filling_hint(column))
    wild = _first(~np.isfinite(column)) if column.dtype.kind == "f" else None
    if wild is not None:
        hint = 'correct it, or count it as missing: missing = ["inf"] in the data source'
        raise unprepared(wild, "infinite", hint)


def _first(matches: Array) -> int | None:
    """Return the position of the first row with any True entry, or None."""
    rows = matches.reshape(len(matches), -1).any(axis=1) if matches.ndim > 1 else matches
    return int(np.argmax(rows)) if rows.any() else None
