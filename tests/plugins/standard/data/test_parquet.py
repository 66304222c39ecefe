from __future__ import annotations

import datetime as dt
import sys

import numpy as np
import pytest

from declnet import DataError
from declnet_plugins.standard.data import Parquet

RNG = np.random.default_rng(0)


def test_without_polars_it_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(DataError, match=r'pip install "declnet\[data\]"'):
        Parquet(path=tmp_path / "x.parquet").describe()


@pytest.fixture
def table(tmp_path):
    polars = pytest.importorskip("polars")

    def write(columns, **fields):
        path = tmp_path / "table.parquet"
        polars.DataFrame(columns, strict=False).write_parquet(path, row_group_size=7)
        return Parquet(path=path, **fields)

    return write


@pytest.fixture
def mixed(table):
    day = dt.date(2024, 1, 1)
    return table(
        {
            "whole": [1, 2, 3],
            "number": [0.5, None, float("nan")],
            "gaps": [1, None, 3],
            "flag": [True, False, True],
            "word": ["a", None, "b c"],
            "day": [day, None, day.replace(month=2)],
            "nested": [[1], [2], [3]],
        },
        features=["whole", "number", "gaps", "flag", "word"],
        target="day",
    )


def test_columns_have_the_types_of_the_file(mixed):
    records = mixed.load(RNG)
    found = {name: column.tolist() for name, column in records.columns.items()}
    nan = float("nan")
    assert str(found) == str(
        {
            "whole": [1, 2, 3],
            "number": [0.5, nan, nan],
            "gaps": [1.0, nan, 3.0],
            "flag": [True, False, True],
            "word": ["a", None, "b c"],
            "day": ["2024-01-01", None, "2024-02-01"],
        }
    )
    assert list(records.types.values()) == [
        "integer",
        "number",
        "number",
        "boolean",
        "text",
        "text",
    ]


def test_times_and_durations(table):
    polars = pytest.importorskip("polars")
    at = dt.datetime(2024, 7, 2, 3, 4, 5)
    columns = {
        "at": [at, None],
        "zoned": polars.Series([at, None]).dt.replace_time_zone("Europe/Berlin"),
        "time": [at.time(), None],
        "took": [dt.timedelta(seconds=90.5), None],
        "bytes": [b"a", b"b"],
    }
    found = table(columns, features=["at", "zoned", "time", "took"]).load(RNG).columns
    assert found["at"].tolist() == ["2024-07-02 03:04:05.000000", None]
    assert found["zoned"].tolist() == ["2024-07-02 01:04:05.000000", None]
    assert found["time"].tolist() == ["03:04:05", None]
    assert str(found["took"].tolist()) == "[90.5, nan]"
    with pytest.raises(DataError, match='column "bytes" holds Binary, not one value a row'):
        table(columns).load(RNG)


def test_a_column_of_lists_is_refused_only_where_it_is_needed(mixed):
    with pytest.raises(DataError, match=r'column "nested" holds List.*naming the features'):
        mixed.model_copy(update={"features": None}).load(RNG)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"PAR1" + b"\0" * 50 + b"PAR1"])
def test_another_file_is_refused(tmp_path, content):
    pytest.importorskip("polars")
    path = tmp_path / "table.parquet"
    path.write_bytes(content)
    with pytest.raises(DataError, match="not a valid Parquet file"):
        Parquet(path=path).load(RNG)


@pytest.mark.parametrize("start", [4, 40, 200, 400, -40, -8])
def test_a_damaged_file_is_refused_or_read(table, start):
    source = table({"a": np.arange(50), "b": RNG.normal(size=50)})
    content = bytearray(source.path.read_bytes())
    content[start : start + 6] = b"\x55" * 6
    source.path.write_bytes(content)
    try:
        records = source.load(RNG)
    except DataError as error:
        message = str(error)
    else:
        assert len(records) == 50
        return
    assert "damaged" in message


def test_a_panic_of_polars_is_an_error(table, monkeypatch):
    polars = pytest.importorskip("polars")
    source = table({"a": np.arange(50)})

    def panic(*arguments, **options):
        raise polars.exceptions.PanicException("index out of bounds")

    monkeypatch.setattr(polars.LazyFrame, "collect", panic)
    with pytest.raises(DataError, match="not a valid Parquet file: index out of bounds"):
        source.load(RNG)
