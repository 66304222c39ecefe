"""Tables in Excel workbooks, written with openpyxl, and in workbooks of other formats."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from declnet import DataError, default_registry
from declnet_plugins.standard.data.excel import Excel

RNG = np.random.default_rng(0)

WORKBOOKS = Path(__file__).parent / "workbooks"
"""A table with a header and two rows, in formats that no installed library writes."""

DAY = dt.datetime(2024, 1, 3)
ROWS = [
    ["id", "size", "code", "new", "day", "seen at", "took", "city", None, None],
    [1, 1.5, "01", True, DAY, DAY, dt.timedelta(hours=30), "=1/0", None, None],
    [None] * 10,
    [2, "$1,250.50", "7", False, DAY, dt.datetime(2024, 1, 3, 8, 15), None, " Ülm ", None, 5],
    [3, "NA", "x", True, None, DAY, dt.timedelta(minutes=1), "Rom", None, None],
]


@pytest.fixture
def book(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("python_calamine")

    def write(rows, **fields):
        book = openpyxl.Workbook()
        book.active.title = "houses"
        for row in rows:
            book.active.append(row)
        book.create_sheet("empty")
        path = tmp_path / "table.xlsx"
        book.save(path)
        return Excel(path=path, **fields)

    return write


def columns(table):
    return {
        name: [None if value != value else value for value in column.tolist()]
        for name, column in table.columns.items()
    }


def test_cells_are_read_as_in_a_csv_file(book):
    source = book(ROWS, target="new")
    assert source.describe() is None
    table = source.load(RNG)
    assert columns(table) == {
        "id": [1, 2, 3],
        "size": [1.5, 1250.5, None],
        "code": ["01", "7", "x"],
        "new": [True, False, True],
        "day": ["2024-01-03", "2024-01-03", None],
        "seen at": ["2024-01-03T00:00:00", "2024-01-03T08:15:00", "2024-01-03T00:00:00"],
        "took": [108000.0, None, 60.0],
        "city": [None, "Ülm", "Rom"],
        "column_9": [None, 5.0, None],
    }
    assert table.types["id"] == "integer"
    assert table.notes["size"].text == 'is read as numbers, with "$"'
    parts = list(source.with_types(table.types).with_columns(["id", "city"]).chunks(RNG, 2))
    assert [columns(part) for part in parts] == [
        {"id": [1, 2], "city": [None, "Ülm"]},
        {"id": [3], "city": ["Rom"]},
    ]


@pytest.mark.parametrize("suffix", ["ods", "xls", "xlsb"])
def test_workbooks_of_other_formats(suffix, tmp_path):
    pytest.importorskip("python_calamine")
    path = tmp_path / f"t.{suffix}"
    content = (WORKBOOKS / f"table.{suffix}").read_bytes()
    path.write_bytes(content)
    source = default_registry().find("data_source", "excel").for_file(path)
    assert columns(source.load(RNG)) == {
        "size": [1.5, -2.0],
        "city": ["Ülm", "$3.50"],
        "day": ["2024-02-29", "1999-12-31"],
        "new": [True, False],
        "took": [108000.0, 60.0],
    }
    with pytest.raises(DataError, match=f"t.{suffix}: is larger than 100 bytes"):
        source.model_copy(update={"maximum_bytes": 100}).load(RNG)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=f"t.{suffix}: not a valid workbook, or damaged"):
        source.load(RNG)


@pytest.mark.parametrize(
    ("rows", "fields", "message"),
    [
        (ROWS, {"sheet": "Houses"}, 'no sheet "Houses" .its sheets: houses, empty'),
        (ROWS, {"sheet": "empty"}, "the sheet is empty"),
        (ROWS, {"target": "size_"}, r'no column "size_".*did you mean "size"'),
        (ROWS, {"maximum_bytes": 1000}, "table.xlsx: is larger than 1000 bytes"),
        (ROWS[:1], {}, "has a header, but no rows"),
        ([["a", "b", "a"], [1, 2, 3]], {}, 'columns 1 and 3 are both called "a"'),
        ([["a"], [1], ["x"]], {"types": {"a": "number"}}, 'row 2, column "a": "x" is not a number'),
    ],
)
def test_errors_say_what_is_wrong(book, rows, fields, message):
    with pytest.raises(DataError, match=message):
        book(rows, **fields).load(RNG)


def test_a_damaged_workbook_is_refused_or_read(book):
    source = book(ROWS)
    content = source.path.read_bytes()
    directory = content.rindex(b"PK\x01\x02")  # the last entry of the archive's directory
    for position in (*range(0, directory, 97), *range(directory, len(content))):
        source.path.write_bytes(content[:position] + b"\xff" + content[position + 1 :])
        try:
            source.load(RNG)
        except DataError as error:
            assert str(source.path) in str(error) or "column" in str(error)  # noqa: PT017


def test_the_names_of_columns_may_be_below_a_title(book):
    source = book([[], ["Houses of 2024"], [], ["size", "city"], [1.5, "Ulm"], [2, "Rom"]])
    expected = {"size": [1.5, 2.0], "city": ["Ulm", "Rom"]}
    assert columns(source.model_copy(update={"header_row": 4}).load(RNG)) == expected
    assert source.with_detected_format().header_row == 4
    hint = "Set header_row = 4"
    with pytest.raises(DataError, match=f'no column "size".*{hint}'):
        source.with_target("size").load(RNG)
    with pytest.raises(DataError, match="row 3 of the sheet is empty"):
        source.model_copy(update={"header_row": 3}).load(RNG)
    assert book(ROWS).with_detected_format().header_row is None
    with pytest.raises(ValidationError, match="excludes header = false"):
        book(ROWS, header=False, header_row=2)
