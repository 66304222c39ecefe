"""Tables in files of JSON lines, well-formed or not."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

import declnet_plugins.standard.data.json_lines
from declnet import DataError
from declnet_plugins.standard.data.json_lines import JSONLines

RNG = np.random.default_rng(0)

ROWS = [
    {"id": "01", "size": 1, "city": "Ülm", "new": True, "tags": [1]},
    {"id": "2", "size": None, "city": None, "new": False},
    {"size": 2.5, "id": "3", "new": True, "late": "x"},
    {"id": "4", "size": 3, "city": "", "new": True, "late": None},
]
CELLS = {
    "id": ["01", "2", "3", "4"],
    "size": [1.0, None, 2.5, 3.0],
    "city": ["Ülm", None, None, None],
    "new": [True, False, True, True],
    "late": [None, None, "x", None],
}


@pytest.fixture
def table(tmp_path):
    def write(content, name="table.jsonl", **fields):
        path = tmp_path / name
        if isinstance(content, list):
            content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content)
        raw = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return JSONLines(path=path, **fields)

    return write


def cells(tables):
    result = {}
    for table in tables:
        for name, column in table.columns.items():
            there = [None if value != value else value for value in column.tolist()]
            result.setdefault(name, []).extend(there)
    return result


@pytest.mark.parametrize("name", ["table.jsonl", "table.ndjson.gz"])
@pytest.mark.parametrize("rows_at_once", [1, 3, 100])
def test_a_key_is_a_column_with_the_type_of_its_values(table, name, rows_at_once, monkeypatch):
    monkeypatch.setattr(declnet_plugins.standard.data.json_lines, "ROWS", rows_at_once)
    source = table(ROWS, name, target="new", features=["size", "city", "late", "id"])
    assert source.describe() is None
    whole = source.load(RNG)
    assert cells([whole]) == CELLS
    assert whole.types == {
        "id": "text",
        "size": "number",
        "city": "text",
        "new": "boolean",
        "late": "text",
    }
    parts = list(source.with_columns(["late", "size"]).chunks(RNG, rows_at_once))
    assert cells(parts) == {"size": CELLS["size"], "late": CELLS["late"]}
    assert [row for part in parts for row in part.rows] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (ROWS, r'row 1, column "tags" is \[1\].*naming the features'),
        ('\ufeff{"a": 1}\n\n  \n{"a": 2,}\n', "line 4, column [89] is not valid JSON"),
        ('[{"a": 1},\n{"a": 2}]', "line 1, column 11 is not valid JSON: .*each line holds one"),
        ("[1]\n", "line 1 is a list, not an object"),
        ("5\n", "line 1 is a single value, not an object"),
        ('{"a": 1, "a": 2}\n', 'line 1: duplicate key "a"'),
        (b'{"a": "\xe4"}\n', "line 1 is not valid UTF-8"),
        ('{"a": 1}\n'.encode("utf-16"), "is utf-16, not utf-8 .convert it to UTF-8"),
        pytest.param('{"a":' * 100_000 + "\n", "line 1", id="deep"),
        pytest.param('{"a": ' + "9" * 5000 + "}\n", "line 1: Exceeds the limit", id="digits"),
        pytest.param('{"a": ' + "9" * 400 + "}\n", "a number beyond 64-bit floats", id="large"),
        ('{"a": 1}\n{"a": "x"}\n', "row 2, column \"a\" is 'x': a column holds either"),
        ("", "has no rows"),
        ("\n \n", "has no rows"),
        ("{}\n{}\n", "has no rows"),
    ],
)
def test_a_file_that_is_not_a_table(table, content, message):
    with pytest.raises(DataError, match=message):
        table(content).load(RNG)


def test_text_and_numbers_far_apart_are_reported(table, monkeypatch):
    monkeypatch.setattr(declnet_plugins.standard.data.json_lines, "ROWS", 2)
    content = [{"a": None}, {"a": "x"}, {"a": None}, {"a": 7}]
    content = [{"b": 1, **row} for row in content]
    with pytest.raises(DataError, match=r'row 4, column "a" is 7\.?0?, but text elsewhere'):
        table(content).load(RNG)
    assert cells([table(content, features=["b"]).load(RNG)]) == {"b": [1, 1, 1, 1]}
