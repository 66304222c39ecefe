"""Tables that list images by their paths, with or without labels."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from declnet import DataError, Table, missing_values
from declnet_plugins.standard.data.csv import CSV, TSV
from declnet_plugins.standard.data.csv_detection import PIECE, text_format
from declnet_plugins.standard.data.csv_rows import CSVFormat
from declnet_plugins.standard.data.text_file import opened

LIST_SUFFIXES = (*CSV.suffixes, *TSV.suffixes)

MOST_COLUMNS = 3
"""Maximum number of columns in a list of images; a table with more has other features."""

FIRST_ROWS = 20
"""Rows that are enough to tell a list of images from another table."""


@dataclass(frozen=True)
class ImageList:
    """The images that a table lists.

    Attributes:
        image_column: the column of paths.
        target: the column of labels; None if they were not asked for.
        paths: the path of each image, as it is written.
        labels: the label of each image; none if they were not asked for.
    """

    image_column: str
    target: str | None
    paths: tuple[str, ...]
    labels: tuple[str, ...] = ()


def read_list(
    path: Path, suffixes: tuple[str, ...], image: str | None, label: str | None, labeled: bool
) -> ImageList:
    """Read a table of images.

    Args:
        path: the table, whose name ends in one of LIST_SUFFIXES.
        suffixes: the suffixes of images.
        image: the column of paths; default: the first one in which all end in such a suffix.
        label: the column of labels; default: the only other one.
        labeled: whether labels are needed.

    Raises:
        DataError: the table cannot be read, lacks a column, or has a row without path or label.
    """
    table = _table(path)
    if image is None:
        image = _image_column(table, suffixes)
    if image is None:
        raise DataError(
            f"{path}: has no column of paths of images ({', '.join(suffixes)})",
            hint="name it in the data source: image_column = …",
        )
    paths = _cells(path, table, image)
    if not labeled:
        return ImageList(image, None, paths)
    others = [name for name in table.columns if name != image]
    if label is None and len(others) != 1:
        shown = ", ".join(f'"{name}"' for name in others) or "no other column"
        raise DataError(
            f"{path}: the column of labels is one of {shown}",
            hint=f"name it: target = …, or --target of declnet new; the images are in {image!r}",
        )
    target = label or others[0]
    return ImageList(image, target, paths, _cells(path, table, target))


def lists_images(path: Path, suffixes: tuple[str, ...]) -> bool:
    """Return whether a table of few columns has one of paths of images, the first of which exists.

    Paths are relative to the table's folder.
    """
    try:
        with opened(path, sys.maxsize) as file:
            start = file.read(PIECE).lower()
        if not any(suffix.encode() in start for suffix in suffixes):
            return False
        source = _source(path)
        if len(source.column_names()) > MOST_COLUMNS:
            return False
        table = source.preview(FIRST_ROWS, FIRST_ROWS * MOST_COLUMNS)
    except DataError:
        return False
    if not isinstance(table, Table) or not len(table):
        return False
    column = _image_column(table, suffixes)
    return column is not None and (path.parent / str(table.columns[column][0])).is_file()


def _source(path: Path) -> CSVFormat:
    """Return the source of a table, in which all cells are text."""
    reader = TSV if path.name.lower().endswith(TSV.suffixes) else CSV
    missing = reader.model_fields["missing"].get_default(call_default_factory=True)
    source = reader.model_validate({"path": path, **text_format(path, missing)})
    return source.with_types(dict.fromkeys(source.column_names(), "text"))


def _table(path: Path) -> Table:
    return _source(path).load(np.random.default_rng(0))


def _image_column(table: Table, suffixes: tuple[str, ...]) -> str | None:
    """Return the first column of texts that all end in a suffix of images, or None."""
    for name, column in table.columns.items():
        texts = column[~missing_values(column)].tolist()
        if texts and all(str(text).lower().endswith(suffixes) for text in texts):
            return name
    return None


def _cells(path: Path, table: Table, name: str) -> tuple[str, ...]:
    """Return a column of texts; raise DataError if there is no such column, or a cell is empty."""
    if name not in table.columns:
        shown = ", ".join(f'"{column}"' for column in table.columns)
        raise DataError(f'{path}: has no column "{name}" (its columns: {shown})')
    column = table.columns[name]
    empty = missing_values(column)
    if empty.any():
        row = table.row_number(int(np.argmax(empty)))
        raise DataError(
            f'{path}: row {row}: "{name}" is missing', hint="fill it in, or remove the row"
        )
    return tuple(map(str, column.tolist()))
