"""Writing predictions to CSV, JSON Lines, NumPy and Parquet files, completely or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from declnet.contracts.arrays import Array, Dtype, Shape
from declnet.contracts.data.table import ColumnType, class_name, missing_values
from declnet.contracts.network.inputs import UNNAMED, sample_count, wrapped
from declnet.errors import OutputError
from declnet.runs.inference.predictions import (
    AnyPredictions,
    prediction_columns,
    prediction_types,
)
from declnet.runs.storage.checksums import checksum
from declnet.runs.storage.writing import open_atomically

if TYPE_CHECKING:
    import polars as pl


FEW = 16
"""Fewer numbers are converted faster one by one."""


def as_text(column: Array, quoted: Callable[[str | None], str]) -> list[str]:
    """Convert each item to a string: text through `quoted`, numbers in shortest round-trip form.

    Args:
        column: (n,) objects (text, integers or booleans; None if missing), booleans, integers or
            floats (NaN if missing).
        quoted: called once for each distinct text, and with None for a missing value.
    """
    if column.dtype.kind == "O":
        items = column.tolist()
        known = {
            item: quoted(item) if item is None or isinstance(item, str) else class_name(item)
            for item in set(items)
        }
        return [known[item] for item in items]
    if column.dtype.kind == "b":
        return ["true" if value else "false" for value in column.tolist()]
    few = len(column) < FEW
    texts: list[str] = [str(value) for value in column] if few else column.astype("U").tolist()
    for position in np.flatnonzero(missing_values(column)):
        texts[position] = quoted(None)
    return texts


def csv_text(text: str | None) -> str:
    """Return a CSV cell, quoted if necessary; empty without quotes for None.

    A leading `=`, `+`, `-` or `@` is kept: a reader of the file would take an escape for a part of
    the class's name.
    """
    if text is None:
        return ""
    if text and not any(character in text for character in '",\r\n') and text.strip() == text:
        return text
    return '"' + text.replace('"', '""') + '"'


def json_text(text: str | None) -> str:
    """Return a JSON string, or null."""
    return json.dumps(text, ensure_ascii=False)


def json_items(column: Array) -> list[str]:
    """Return JSON values; NaN and infinity, which JSON lacks, become null."""
    items = as_text(column, json_text)
    if column.dtype.kind == "f":
        for position in np.flatnonzero(np.isinf(column)):
            items[position] = "null"
    return items


def has_polars() -> bool:
    """Return whether polars is installed, without importing it."""
    return find_spec("polars") is not None


def as_frame(columns: Mapping[str, Array]) -> pl.DataFrame:
    """Return a polars data frame of columns (n,), with null for what is missing or masked."""
    import polars as pl

    types = {bool: pl.Boolean, int: pl.Int64}

    def series(name: str, column: Array) -> pl.Series:
        if isinstance(column, np.ma.MaskedArray):
            return pl.Series(
                name, column.tolist(), pl.Boolean if column.dtype == bool else pl.Int64
            )
        if column.dtype.kind != "O":
            return pl.Series(name, column, nan_to_null=True)
        values = column.tolist()
        first = next((value for value in values if value is not None), "")
        return pl.Series(name, values, dtype=types.get(type(first), pl.String))

    return pl.DataFrame([series(name, column) for name, column in columns.items()])


Columns = Mapping[str, Array]
"""The columns (n,) of a part of the predictions, as `columns_of` returns them."""


def write_csv(parts: Iterable[Columns], file: BinaryIO) -> int:
    """Write a header and a line per sample, part by part; return the number of samples."""
    rows, fast = 0, has_polars()
    for columns in parts:
        if not rows:
            file.write((",".join(map(csv_text, columns)) + "\n").encode())
        if fast:
            file.write(as_frame(columns).write_csv(include_header=False).encode())
        else:
            texts = [as_text(column, csv_text) for column in columns.values()]
            lines = map(",".join, zip(*texts, strict=True))
            file.write(("\n".join(lines) + "\n").encode())
        rows += sample_count(columns)
    return rows


def write_json_lines(parts: Iterable[Columns], file: BinaryIO) -> int:
    """Write one object per line, keyed by column name; return the number of samples."""
    rows = 0
    for columns in parts:
        keys = [json_text(name) + ": " for name in columns]
        items = [json_items(column) for column in columns.values()]
        pairs = [[key + item for item in column] for key, column in zip(keys, items, strict=True)]
        lines = map(", ".join, zip(*pairs, strict=True))
        file.write("".join([f"{{{line}}}\n" for line in lines]).encode())
        rows += sample_count(columns)
    return rows


def write_npy(parts: Iterable[Columns], file: BinaryIO) -> int:
    """Write the outputs (n, *shape) part by part; return the number of samples.

    Args:
        parts: outputs of the same shape and type, each the only column.
        file: a seekable file, positioned at the start.
    """
    rows, first = 0, None
    for (outputs,) in (columns.values() for columns in parts):
        if first is None:
            first = outputs
            _write_header(file, first.shape[1:], first.dtype, 0)
        file.write(np.ascontiguousarray(outputs).data)
        rows += len(outputs)
    if first is not None:
        file.seek(0)  # the header has room for any number of samples
        _write_header(file, first.shape[1:], first.dtype, rows)
    return rows


def _write_header(file: BinaryIO, shape: Shape, dtype: Dtype, rows: int) -> None:
    descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
    header = {"descr": descr, "fortran_order": False, "shape": (rows, *shape)}
    np.lib.format.write_array_header_1_0(file, header)


def write_parquet(parts: Iterable[Columns], file: BinaryIO) -> int:
    """Write a table part by part in constant memory; return the number of samples."""
    from polars.io.plugins import register_io_source

    remaining = iter(parts)
    first = next(remaining, None)
    if first is None:
        return 0
    rows, failure = 0, None

    def frames(*_requested: Any) -> Iterator[pl.DataFrame]:
        """Yield all parts, since a sink requests all columns and rows."""
        nonlocal rows, failure
        try:
            for columns in chain([first], remaining):
                rows += sample_count(columns)
                yield as_frame(columns).cast(schema)
        except Exception as error:
            failure = error
            raise

    schema = as_frame(first).schema
    source = register_io_source(frames, schema=schema)
    try:
        source.sink_parquet(file)
    except Exception:
        if failure is not None:  # polars may have wrapped it
            raise failure from None
        raise
    return rows


Write = Callable[[Iterable[Columns], BinaryIO], int]

FORMS: dict[str, Write] = {
    "csv": write_csv,
    "jsonl": write_json_lines,
    "npy": write_npy,
    "parquet": write_parquet,
}
"""The writer of each format."""


def columns_of(predictions: AnyPredictions, form: str) -> Columns:
    """Return the columns of predictions that a format holds: for `npy`, the outputs alone.

    For `parquet`, a column that may lack values is masked, so each part has it in the same type.
    """
    if form == "parquet":
        columns, types = prediction_columns(predictions), prediction_types(predictions)
        return {name: _masked(name, column, types.get(name)) for name, column in columns.items()}
    if form != "npy":
        return prediction_columns(predictions)
    losses = wrapped(predictions)
    if losses.keys() != {UNNAMED}:
        raise OutputError("npy holds one array, but there are several outputs; write csv")
    return {"outputs": losses[UNNAMED].outputs}


def _masked(name: str, column: Array, kind: ColumnType | None) -> Array:
    """Return a column of integers or booleans masked where values are missing, others as is."""
    if kind not in ("integer", "boolean"):
        return column
    gaps = missing_values(column)
    values = np.where(gaps, False, column)
    with np.errstate(invalid="ignore"):
        whole = values.astype(bool if kind == "boolean" else np.int64)
    if not np.array_equal(whole, values):
        position = int(np.argmax(whole != values))
        message = f'column "{name}" has {values[position]}, but in the training data it has {kind}s'
        raise OutputError(f"{message}; write csv")
    return np.ma.MaskedArray(whole, gaps) if gaps.any() else whole


def write_predictions(parts: Iterable[AnyPredictions], file: BinaryIO, form: str) -> int:
    """Write predictions as `declnet predict` does; return the number of samples.

    Args:
        parts: predictions, e.g. of `Predictor.predict_parts`.
        file: open for writing bytes; seekable for `npy` and `parquet`.
        form: `csv`, `jsonl` (an object on each line, by the names of columns), `npy` or `parquet`.

    Raises:
        OutputError: the format is unknown, or needs a package that is not installed.
    """
    form_of(None if form in FOR_STREAMS else Path(f"predictions.{form}"), form)
    return FORMS[form]((columns_of(part, form) for part in parts), file)


OUT_OF_FOLD = "out_of_fold.csv"
"""In a folder of folds: the predictions of each row by the model that did not see it."""


def write_out_of_fold(directory: Path, predictions: AnyPredictions) -> str:
    """Write predictions out of fold; return the file's checksum; raise OSError on failure."""
    path = directory / OUT_OF_FOLD
    with open_atomically(path) as file:
        write_csv([prediction_columns(predictions)], file)
    return checksum(path.read_bytes())


DEFAULT_FORM = "csv"

FOR_STREAMS = (DEFAULT_FORM, "jsonl")
"""Formats that can be written to non-seekable outputs, e.g. a pipe."""


def form_of(path: Path | None, named: str | None) -> str:
    """Return the format of an output.

    Args:
        path: the file; None for standard output.
        named: the format, if the user named one.

    Raises:
        OutputError: the format is unknown, cannot be written to this output, or requires a package
            that is not installed.
    """
    form = named or (DEFAULT_FORM if path is None else path.suffix.lower().removeprefix("."))
    if form not in FORMS:
        raise OutputError(
            f"{path}: unknown output format; the name must end in one of .{', .'.join(FORMS)}"
        )
    if path is None and form not in FOR_STREAMS:
        raise OutputError(f"{form} cannot be written to standard output; name a file with -o")
    if form == "parquet" and not has_polars():
        raise OutputError("parquet needs polars: pip install 'declnet[data]'")
    return form
