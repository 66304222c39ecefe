"""Files in blocks: blocks in any order make up the file; other files are refused."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from declnet import DataError
from declnet_plugins.standard.data.arrays import NPY
from declnet_plugins.standard.data.csv import CSV
from declnet_plugins.standard.data.parquet import Parquet

ROWS = 300
RNG = np.random.default_rng(0)


@pytest.fixture(params=["csv", "csv without copies", "parquet"])
def source(request, tmp_path):
    """A function that returns a source of a table with gaps, quoted cells and row groups."""
    polars = pytest.importorskip("polars")
    rng = np.random.default_rng(0)
    age = [None if at % 37 == 0 else float(age) for at, age in enumerate(rng.normal(40, 9, ROWS))]
    kind = [None if at % 50 == 0 else f"k{at % 3}" for at in range(ROWS)]
    kind[30:60] = [None] * 30
    columns = {
        "age": age,
        "city": rng.choice(["rome", "os,lo", 'li"ma', "bern\nwest", "zürich"], ROWS),
        "late": ["x" if at > 280 else f"{at}" for at in range(ROWS)],
        "kind": kind,
        "price": [float("nan") if at % 11 == 0 else at / 4 for at in range(ROWS)],
    }
    form, *others = request.param.split()
    frame, path = polars.DataFrame(columns), tmp_path / f"table.{form}"
    if form == "parquet":
        frame.write_parquet(path, row_group_size=40)
        return lambda **fields: Parquet(path=path, **fields)
    frame.write_csv(path)
    if others:
        return lambda **fields: CSV(path=path, **fields).without_copies()
    return lambda **fields: CSV(path=path, **fields)


def require_whole(source, samples, numbers):
    whole = source.load(RNG)
    blocks = source.blocks(samples, numbers)
    order = np.random.default_rng(1).permutation(len(blocks.sizes)).tolist()
    read = {number: blocks.read(number) for number in order}
    parts = [read[number] for number in range(len(order))]
    assert tuple(map(len, parts)) == blocks.sizes
    assert len(blocks) == len(whole)
    for name, column in whole.columns.items():
        result = np.concatenate([part.columns[name] for part in parts])
        np.testing.assert_array_equal(result, column)
        assert all(part.columns[name].dtype.kind == column.dtype.kind for part in parts)
    rows = [part.row_number(at) for part in parts for at in range(len(part))]
    assert rows == [whole.row_number(at) for at in range(len(whole))]
    return blocks.sizes


@pytest.mark.parametrize("target", [None, "kind", "price"])
def test_the_blocks_are_the_table_without_rows_that_lack_a_target(source, target):
    table = source(target=target, missing_target="leave_out" if target else "error")
    assert max(require_whole(table, 7, 10**6)) <= 7
    assert max(require_whole(table, 10**6, 60)) <= 60 // 5
    require_whole(table, 10**6, 10**6)


def test_several_targets_and_some_columns(source):
    table = source(targets=("kind", "price"), missing_target="leave_out")
    require_whole(table.with_columns(["age", "kind", "price"]), 16, 10**6)


def test_a_file_of_csv_with_a_mark_and_without_a_last_line_end(tmp_path):
    pytest.importorskip("polars")
    path = tmp_path / "table.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\n1,2\n3,4\n5,6")
    assert require_whole(CSV(path=path), 2, 100) == (2, 1)
    path.write_bytes(b"1,2\n3,4\n")
    assert require_whole(CSV(path=path, header=False), 1, 100) == (1, 1)
    path.write_bytes(b"a;b\n1,5;2\n;x\n")
    assert require_whole(CSV(path=path, delimiter=";", decimal=","), 1, 100) == (1, 1)


@pytest.mark.parametrize(
    "cells",
    [
        ["1", "2", "3", "04"],
        ["1", "2", '"04"', "5"],
        ["1", " 04", "2", "3"],
        ["0.5", "01.5", "2", "3"],
        ["1", "2", "2.5", "3"],
        ["1", "NA", "3", ""],
        ["1", "2", "", "4.5"],
        ["1", " 2", "3 ", '"4"'],
        ["1", "2", "9223372036854775808", "1_0"],
        ["1", "inf", "-Infinity", "nan"],
        ["1", "$2", "3", "4"],
        ["1.5", "x", "", "NA"],
    ],
)
@pytest.mark.parametrize("missing", [("", "NA", "nan"), ("NA",), ("", "2")])
@pytest.mark.parametrize(
    "row", ["{},a,b\n", "b,{},01\n", "b,,{}\n"], ids=["first", "middle", "last"]
)
def test_numbers_of_csv_are_read_as_by_python(tmp_path, cells, missing, row):
    """Later rows are first tried as the kind of number that the first row has."""
    pytest.importorskip("polars")
    path = tmp_path / "table.csv"
    header = row.replace("a", "c").replace("01", "d").replace(",,", ",e,").format("a")
    path.write_text(header + "".join(map(row.format, cells)))
    table = CSV(path=path, missing=missing)
    blocks, whole = table.blocks(1, 100), table.load(RNG)
    assert len(blocks.sizes) == len(cells)
    result = np.concatenate([blocks.read(at).columns["a"] for at in range(len(cells))])
    np.testing.assert_array_equal(result, whole.columns["a"])
    typed = table.with_types(whole.types)
    for parts in (typed.chunks(RNG, 3), [typed.load(RNG)]):
        again = np.concatenate([part.columns["a"] for part in parts])
        np.testing.assert_array_equal(again, whole.columns["a"])


def test_a_csv_file_in_parts_may_have_any_size(tmp_path):
    pytest.importorskip("polars")
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    table = CSV(path=path, maximum_bytes=5)
    assert table.blocks(1, 100).sizes == (1, 1)
    assert len(list(table.chunks(RNG, 1))) == 2
    assert len(table.preview(1, 100)) == 1
    with pytest.raises(DataError, match="larger than 5 bytes"):
        table.load(RNG)


@pytest.mark.parametrize(
    ("name", "content", "fields"),
    [
        ("table.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0), {}),
        ("table.csv", b"a,b\r\n1,2\r\n", {}),
        ("table.csv", b'a,b\n1,x"y\n', {}),
        ("table.csv", b"a,b\n1,\xe9\n", {"encoding": "cp1252"}),
    ],
)
def test_csv_whose_rows_cannot_be_found_alone_is_refused(tmp_path, name, content, fields):
    pytest.importorskip("polars")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match="cannot be read in blocks") as error:
        CSV(path=tmp_path / name, **fields).blocks(7, 100)
    assert "Parquet" in error.value.hint


def test_a_csv_file_is_read_once_unless_copies_are_forbidden(tmp_path):
    pytest.importorskip("polars")
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n3,4\n5,6\n")
    remaining, again = (
        table.blocks(2, 100) for table in (CSV(path=path), CSV(path=path).without_copies())
    )
    path.write_text("a,b\n1,2\n")
    assert remaining.read(1).columns["a"].tolist() == [5]
    with pytest.raises(DataError, match="has changed"):
        again.read(1)


@pytest.mark.parametrize("shape", [(), (3,), (2, 4, 4)])
def test_arrays_in_blocks(tmp_path, shape):
    x, y = RNG.normal(size=(ROWS, *shape)), RNG.integers(0, 3, (ROWS, 2))
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    blocks = NPY(x=tmp_path / "x.npy", y=tmp_path / "y.npy").blocks(70, 10**6)
    assert blocks.sizes == (70, 70, 70, 70, 20)
    for number in (3, 0, 4):
        part, mine = blocks.read(number), slice(70 * number, 70 * (number + 1))
        np.testing.assert_array_equal(part.x, x[mine])
        np.testing.assert_array_equal(part.y, y[mine])
