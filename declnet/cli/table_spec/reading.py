"""Reads a table of which nothing is known but its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from declnet.cli.table_spec.text_format import has_decimal_commas, text_format
from declnet.components.data_source import DataSource
from declnet.components.table import Table
from declnet.data.file_source import file_source, file_type
from declnet.data.loading import checked_data
from declnet.errors import DataError
from declnet.registry.registry import Registry


def read_table(file: Path, registry: Registry) -> tuple[DataSource, Table]:
    """A data source that reads a file as it seems to be written, and what it gave.

    Raises:
        DataError: the file cannot be read, or is no table.
    """
    form = text_format(file) if file_type(file) == "csv" else {}
    source = file_source(file, registry, form=form)
    records = _loaded(source, file)
    if form.get("delimiter", ",") != "," and has_decimal_commas(records):
        source = file_source(file, registry, form={**form, "decimal": ","})
        records = _loaded(source, file)
    return source, records


def _loaded(source: DataSource, file: Path) -> Table:
    records = checked_data(source.load(np.random.default_rng(0)), str(file))
    if not isinstance(records, Table):
        raise DataError(f"{file}: is no table")
    return records
