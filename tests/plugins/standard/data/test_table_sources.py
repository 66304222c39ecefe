"""Behavior that all table formats share: parts, blocks, previews, and bad cells."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest

from declnet import DataError
from declnet.data.sources.files import naming
from declnet_plugins.standard.data.csv import CSV, TSV
from declnet_plugins.standard.data.excel import Excel
from declnet_plugins.standard.data.json_lines import JSONLines
from declnet_plugins.standard.data.parquet import Parquet
from declnet_plugins.standard.data.sql import SQL

NEEDS = {CSV: "polars", TSV: "polars", Excel: "python_calamine", Parquet: "polars"}
FORMATS = [CSV, TSV, Excel, JSONLines, Parquet, SQL]
WITH_BLOCKS = {CSV, TSV, Parquet}
RNG = np.random.default_rng(0)
TYPES = {"length": "number", "color": "text", "kind": "text"}
TABLE = {
    "length": (1.5, 2.25, None, 4.75, 2.5, 0.5, 7.125),
    "color": ("red", None, None, "red", "blue", "white", "red"),
    "kind": ("rose", "lily", "iris", None, "iris", "lily", "rose"),
}


@pytest.fixture(params=FORMATS, ids=lambda cls: cls.type)
def source(request, tmp_path, monkeypatch):
    """Write a table and return its source."""
    cls = request.param
    pytest.importorskip(NEEDS.get(cls, "sqlalchemy" if cls is SQL else "json"))

    def write(table, **fields):
        monkeypatch.setattr(f"{cls.__module__}.EXAMPLE", table)
        return cls.model_validate({**cls.example(tmp_path), **fields})

    return write


def columns_of(tables):
    """The cells of consecutive tables, by column."""
    return {
        name: [str(cell) for table in tables for cell in table.columns[name].tolist()]
        for name in TABLE
    }


@pytest.mark.parametrize("fields", [{}, {"missing_target": "leave_out"}])
@pytest.mark.parametrize("rows", [1, 2, 100])
def test_parts_blocks_and_previews_are_the_table(source, fields, rows):
    table = source(TABLE, **fields)
    whole = table.load(RNG)
    assert list(table.column_names()) == list(TABLE) == list(whole.columns)
    assert len(whole) == (6 if fields else 7)
    for parts in (table.chunks(RNG, rows), table.with_types(whole.types).chunks(RNG, rows)):
        tables = list(parts)
        assert max(map(len, tables)) <= rows
        assert columns_of(tables) == columns_of([whole])
        assert {str(part.types) for part in tables} == {str(whole.types)}
    blocks, preview = table.blocks(rows, 100), table.preview(rows, 100)
    if type(table) not in WITH_BLOCKS:
        assert (type(table).reads_blocks(), blocks, preview) == (False, None, None)
        return
    read = {at: blocks.read(at) for at in reversed(range(len(blocks.sizes)))}
    tables = [read[at] for at in range(len(blocks.sizes))]
    assert tuple(map(len, tables)) == blocks.sizes
    assert columns_of(tables) == columns_of([whole])
    numbers = [number for number in range(1, 8) if not fields or number != 4]
    assert list(chain(*(part.row_numbers for part in tables))) == numbers
    assert 1 <= len(preview) <= rows
    first = {name: cells[: len(preview)] for name, cells in columns_of([whole]).items()}
    assert columns_of([preview]) == first


def test_a_cell_of_another_type_is_an_error_with_file_and_row_on_each_path(source):
    lengths = ("1.5", "2.25", "wide", "4.75", "2.5", "0.5", "7.125")
    table = source({**TABLE, "length": lengths}).with_types(TYPES)
    paths = {
        "load": lambda: table.load(RNG),
        "chunks": lambda: list(table.chunks(RNG, 2)),
        "input_chunks": lambda: list(table.with_target(None).input_chunks(RNG, 2)),
    }
    if type(table) in WITH_BLOCKS:
        paths["preview"] = lambda: table.preview(5, 100)
        paths["blocks"] = lambda: [*map(table.blocks(2, 100).read, range(4))]
    file = table if type(table) is SQL else table.path
    label = 'data source "sql"' if type(table) is SQL else str(file)
    for name, read in paths.items():
        with pytest.raises(DataError) as error, naming(file):
            read()
        assert error.value.message == f'{label}: row 3, column "length": "wide" is not a number', (
            name
        )
        assert (error.value.row, error.value.column) == (3, "length")
    marked = table.with_types(dict.fromkeys(TYPES, "text"))
    assert columns_of(marked.input_chunks(RNG, 2))["length"] == list(lengths)


@pytest.mark.parametrize("fields", [{"target": "knd"}, {"features": ["color", "knd"]}])
def test_a_column_that_does_not_exist_is_an_error_that_suggests_another(source, fields):
    table = source(TABLE, **fields)
    paths = [
        table.describe,
        lambda: table.load(RNG),
        lambda: list(table.with_types(TYPES).chunks(RNG, 2)),
    ]
    if type(table) in WITH_BLOCKS:
        paths += [lambda: table.blocks(2, 100), lambda: table.preview(2, 100)]
    for read in paths:
        with pytest.raises(DataError, match='there is no column "knd"') as error:
            read()
        assert error.value.hint == 'did you mean "kind"?'
        assert error.value.path in {("target",), ("features", 1)}
