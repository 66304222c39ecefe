"""Malformed tables: a clear error with its place, or the right result."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

import declnet
from declnet import DataError, SpecError
from declnet_standard.data import CSV

RNG = np.random.default_rng(0)


@pytest.fixture(params=["python", "polars"], autouse=True)
def reader(request, monkeypatch):
    if request.param == "polars":
        pytest.importorskip("polars")
    monkeypatch.setattr(
        "declnet_standard.data.csv_table.polars_is_there", lambda: request.param == "polars"
    )


@pytest.fixture
def table(tmp_path):
    def write(content, name="table.csv", **fields):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return CSV(path=path, **fields)

    return write


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"a,b\n", "has a header, but no rows"),
        (b"a,b", "has a header, but no rows"),
        (b"a,b\n\n\n", "has a header, but no rows"),
        (b"a,b\n1,2\n3\n", r"row 2 has 1 cell, but there are 2 columns"),
        (b"a,b\n1,2\n3,4,5\n", r"row 2 has 3 cells, but there are 2 columns.*delimiter"),
        (b"a,b\n1,2,\n", "row 1 has 3 cells"),
        (b"a,b,a\n1,2,3\n", 'columns 1 and 3 are both called "a"'),
        (b'a,b\n1,"x\n2,y\n', "a quotation mark is not closed"),
        (b'a,b\n1,"x"y\n', "line 2: ',' expected after '\"'"),
        (b"a,b\n1,\xe9\n", r"line 2 has the byte 0xe9, which is no utf-8.*cp1252"),
        (b"a,b\n1,\0\n", r"line 2 has a NUL byte.*utf-16"),
        ("a,b\n1,2\n".encode("utf-16"), "is utf-16, not utf-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "NUL byte"),
        (b"PK\x03\x04\0\0\0\0", "NUL byte"),
        (b"\x93NUMPY\x01\x00v\x00{'descr'", "0x93"),
    ],
)
def test_a_file_that_is_no_table(table, content, message):
    with pytest.raises(DataError, match=message):
        table(content).load(RNG)


def test_there_is_no_file(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        CSV(path=tmp_path / "none.csv").describe()
    with pytest.raises(DataError, match="not a file"):
        CSV(path=tmp_path).describe()


def test_a_file_that_is_too_large_is_not_read(table):
    with pytest.raises(DataError, match=r"larger than 10 bytes.*maximum_bytes"):
        table("a,b\n" + "1,2\n" * 10, maximum_bytes=10).load(RNG)


def test_a_gzip_bomb_is_not_unpacked(table):
    bomb = gzip.compress(b"a,b\n" + b"1,2\n" * 5_000_000)
    with pytest.raises(DataError, match="larger than 100000 bytes"):
        table(bomb, "bomb.csv.gz", maximum_bytes=100_000).load(RNG)


@pytest.mark.parametrize("cut", [3, 12, 25])
def test_a_gzip_file_that_is_cut_off(table, cut):
    with pytest.raises(DataError, match="not a valid gzip file, or truncated"):
        table(gzip.compress(b"a,b\n1,2\n3,4\n")[:cut], "table.csv.gz").load(RNG)


def test_ten_thousand_columns(table):
    names = ",".join(f"c{index}" for index in range(10_000))
    rows = "\n".join(",".join(["1"] * 9_999 + [kind]) for kind in "abab")
    records = table(f"{names}\n{rows}\n", target="c9999").load(RNG)
    assert len(records.feature_columns) == 9_999
    assert records.columns["c9999"].tolist() == ["a", "b", "a", "b"]


def test_a_cell_of_a_megabyte_is_told(table):
    with pytest.raises(DataError, match="longer than 131072 characters"):
        table(b'a,b\n1,"' + b"x" * 2**20).load(RNG)


@pytest.fixture
def trained(document):
    """Check and train a small model on a table."""

    def train(source, **data):
        document["data"] = {"train": source, **data}
        document["model"]["layers"][2]["units"] = 2
        return declnet.run(declnet.parse_spec(document))

    return train


ROWS = "".join(
    f"{row / 7},{row % 5},{'Iris setosa' if row % 2 else 'no iris'}\n" for row in range(20)
)


def test_targets_with_spaces_are_right(table, trained):
    assert trained(table("a b,c,my target\n" + ROWS, target="my target")).history


@pytest.mark.parametrize(
    ("content", "data", "message"),
    [
        ("a,b,y\n1,2,x\n3,4,x\n", {}, 'the target "y" has only one class .*"x"'),
        ("a,b,y\n1,2,x\n3,4,\n5,6,z\n", {}, 'row 2: the target "y" is missing'),
        ("a,b,y\n1,2,0.5\n3,4,1\n", {}, 'row 1: the target "y" is 0.5, but classes'),
        ("a,b,y\n1,2,x\n3,,z\n", {}, 'row 2, column "b" is missing.*"impute"'),
        ("a,b,y\n1,p,x\n3,q,z\n", {}, 'row 1, column "b" is the text "p".*"one_hot" or "ordinal"'),
        ("a,b,y\n1,2,x\ninf,4,z\n", {}, 'row 2, column "a" is infinite'),
        ("a,b,y\n1,,x\n3,,z\n", {"prepare": ["impute"]}, 'column "b" is empty'),
        ("y\nx\nz\n", {}, "no feature columns"),
        ("a,b,y\n1,inf,x\n3,2,z\n", {"prepare": ["standardize"]}, 'row 1, column "b" is infinite'),
        (
            "a,b,y\n1,p,x\n3,,z\n",
            {"prepare": ["one_hot"]},
            'row 2, column "b" is missing.*put "impute" before one_hot',
        ),
        (
            "a,b,y\n1,2,x\n3,4,z\n",
            {"prepare": [{"type": "standardize", "columns": ["B"]}]},
            'no column "B".*did you mean "b"',
        ),
    ],
)
def test_tables_that_cannot_be_learned_from(table, trained, content, data, message):
    with pytest.raises(SpecError, match=message):
        trained(table(content, target="y"), **data)


def test_constant_columns_are_no_fault(table, trained):
    content = "a,b,y\n" + "".join(f"5,{row},{'xz'[row % 2]}\n" for row in range(20))
    for transform in ("standardize", "min_max"):
        assert trained(table(content, target="y"), prepare=[transform]).history


def test_a_class_that_only_other_data_has_is_named(table, trained, tmp_path):
    (tmp_path / "test.csv").write_text("a,b,y\n1,2,x\n3,4,w\n")
    test = CSV(path=tmp_path / "test.csv", target="y")
    with pytest.raises(SpecError, match=r'test data: row 2: .*"w", a class .*its classes: x, z'):
        trained(table("a,b,y\n1,2,x\n3,4,z\n", target="y"), test=test)


def test_unknown_categories_are_zeros_or_told(table, trained, tmp_path):
    (tmp_path / "test.csv").write_text("a,b,y\n1,new,x\n")
    test = CSV(path=tmp_path / "test.csv", target="y")
    train = table("a,b,y\n1,p,x\n3,q,z\n", target="y")
    assert trained(train, test=test, prepare=["one_hot"]).metrics["test"]
    strict = [{"type": "one_hot", "unknown": "error"}]
    with pytest.raises(SpecError, match='test data: row 1, column "b" is "new"'):
        trained(train, test=test, prepare=strict)
