from __future__ import annotations

import datetime as dt
import sys

import numpy as np
import pytest

from declnet import DataError
from declnet_plugins.standard.data.parquet import Parquet

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


def test_columns_have_the_types_of_the_file(table):
    polars = pytest.importorskip("polars")
    day, at, nan = dt.date(2024, 1, 1), dt.datetime(2024, 7, 2, 3, 4, 5), float("nan")
    columns = {  # by type: the values written and the values read
        "whole": ("integer", [1, 2], [1, 2]),
        "number": ("number", [0.5, None], [0.5, nan]),
        "gaps": ("number", [1, None], [1.0, nan]),
        "flag": ("boolean", [True, False], [True, False]),
        "word": ("text", ["a", None], ["a", None]),
        "at": ("text", [at, None], ["2024-07-02T03:04:05", None]),
        "zoned": (
            "text",
            polars.Series([at, None]).dt.replace_time_zone("Europe/Berlin"),
            ["2024-07-02T01:04:05", None],
        ),
        "time": ("text", [at.time(), None], ["03:04:05", None]),
        "took": ("number", [dt.timedelta(seconds=90.5), None], [90.5, nan]),
        "day": ("text", [day, None], ["2024-01-01", None]),
    }
    written = {name: cells for name, (_, cells, _) in columns.items()}
    written |= {"nested": [[1], [2]], "bytes": [b"a", b"b"]}
    records = table(written, features=[*columns][:-1], target="day").load(RNG)
    read = {name: cells for name, (*_, cells) in columns.items()}
    assert str({name: column.tolist() for name, column in records.columns.items()}) == str(read)
    assert records.types == {name: type_name for name, (type_name, *_) in columns.items()}
    for name, type_name in (("nested", "List"), ("bytes", "Binary")):
        message = f'column "{name}" holds {type_name}.*, not one value a row.*naming the features'
        with pytest.raises(DataError, match=message):
            table(written, features=["whole", name]).load(RNG)


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
