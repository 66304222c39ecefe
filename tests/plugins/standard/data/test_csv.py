"""Tables in CSV files, well-formed or not, read by Python alone and with polars."""

from __future__ import annotations

import csv as python_csv
import gzip
import io
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import declnet_plugins.standard.data.csv_polars
import declnet_plugins.standard.data.csv_rows
import declnet_plugins.standard.data.text_file
from declnet import DataError
from declnet_plugins.standard.data.csv import CSV
from declnet_plugins.standard.data.csv_polars import _pieces

RNG = np.random.default_rng(0)


@pytest.fixture(params=["python", "polars"])
def reader(request, monkeypatch):
    """Python's reader alone, and polars where it can read the file."""
    if request.param == "polars":
        pytest.importorskip("polars")
    use = request.param == "polars"
    monkeypatch.setattr("declnet_plugins.standard.data.csv.polars_is_there", lambda: use)
    monkeypatch.setattr("declnet_plugins.standard.data.csv_polars.SHORT", 0)
    return request.param


@pytest.fixture
def written(tmp_path):
    """Write a file and return its source."""

    def write(content, name="table.csv", **fields):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return CSV(path=path, **fields)

    return write


@pytest.fixture
def table(written, reader):
    """Write a file and return its source, for each reader."""
    return written


def columns(source):
    records = source.load(RNG)
    return {name: column.tolist() for name, column in records.columns.items()}


def same(columns, expected):
    return str(columns) == str(expected)  # NaN equals NaN here


def test_each_column_has_the_type_that_all_its_cells_have(table):
    source = table(
        "whole,number,gaps,flag,word,empty\n"
        "1,2.5,3,true,red,\n"
        "-7,1e3,,FALSE,12,\n"
        "+0,.5,NA,True,?,\n"
    )
    result = columns(source)
    assert result["whole"] == [1, -7, 0]
    assert result["number"] == [2.5, 1000.0, 0.5]
    assert same(result["gaps"], [3.0, np.nan, np.nan])
    assert result["flag"] == [True, False, True]
    assert result["word"] == ["red", "12", None]
    assert same(result["empty"], [np.nan] * 3)
    types = source.load(RNG).types
    assert list(types.values()) == ["integer", "number", "number", "boolean", "text", "number"]


TEXT = "größe,ä\n1,é\n"
LETTERS = {"größe": [1], "ä": ["é"]}
NUMBERED = {"a": [1, 3], "b": [2, 4]}
SEMICOLON = {"delimiter": ";"}
COMMA = SEMICOLON | {"decimal": ","}


@pytest.mark.parametrize(
    ("content", "fields", "expected"),
    [
        ("z,n\n01,7\n99,8\n", {"types": {"z": "text"}}, {"z": ["01", "99"], "n": [7, 8]}),
        ("n,k\n7,1\n", {"types": {"n": "number", "k": "integer"}}, {"n": [7.0], "k": [1]}),
        ("a,b\n-9,x\n3,-9\n,none\n", {"missing": ["-9", "none"]},
         {"a": [None, "3", ""], "b": ["x", None, None]}),
        ("a,b\n-9,1\n3,\n", {"missing": ["-9", ""]}, {"a": [np.nan, 3.0], "b": [1.0, np.nan]}),
        ('species , a\n Iris setosa, 1\n"Iris  virginica",\t2 \n', {},
         {"species": ["Iris setosa", "Iris  virginica"], "a": [1, 2]}),
        ('a,b\n"x, ""y""\nz",1\n"",2\n', {}, {"a": ['x, "y"\nz', None], "b": [1, 2]}),
        ("a,b\n1,2\n3,4", {}, NUMBERED),
        ("a,b\r\n1,2\r\n3,4\r\n", {}, NUMBERED),
        ("a,b\r\n1,2\r\n3,4", {}, NUMBERED),
        ("\na,b\n\n1,2\n\n\n3,4\n\n", {}, NUMBERED),
        ("a\n\n1\n\n2\n", {}, {"a": [1, 2]}),
        ("1;x\n2;y\n", SEMICOLON | {"header": False}, {"column_1": [1, 2], "column_2": ["x", "y"]}),
        (",a\n0,1\n", {}, {"column_1": [0], "a": [1]}),
        (gzip.compress(b"a,b\n1,2\n3,4\n", mtime=0), {"name": "t.csv.gz"}, NUMBERED),
        (b"\xef\xbb\xbf" + TEXT.encode(), {}, LETTERS),
        (TEXT.encode("utf-16"), {"encoding": "utf-16"}, LETTERS),
        (TEXT.encode("cp1252"), {"encoding": "cp1252"}, LETTERS),
        (b"\xff\xfe" + TEXT.encode("utf-16-le"), {"encoding": "utf-16-le"}, LETTERS),
        ("a;b;c\n1,5;1.000;2\n-,25;2.5;\n", COMMA,  # numbers may then contain no points
         {"a": [1.5, -0.25], "b": ["1.000", "2.5"], "c": [2.0, np.nan]}),
    ],
    ids=str,
)  # fmt: skip
def test_columns_are_read(table, content, fields, expected):
    result = columns(table(content, **fields))
    assert same(result, expected)


@pytest.mark.parametrize(
    ("kind", "cell", "words", "fields"),
    [
        ("number", "n/k", "number", {}),
        ("integer", "1.5", "integer", {}),
        ("number", "1.5", "number", {"decimal": ","}),
        ("comma_number", "x", "number with a decimal", {}),
    ],
)
def test_a_cell_that_breaks_a_declared_type_is_named(table, kind, cell, words, fields):
    source = table(f"a;b\n1;2\n3;{cell}\n", types={"b": kind}, delimiter=";", **fields)
    with pytest.raises(DataError, match=rf'row 2, column "b": "{cell}" is not a {words}'):
        source.load(RNG)


def test_columns_are_read_with_the_types_of_the_training_data(table):
    source = table("zip,age,flag,n\n22,7,1,3\n33,8,0,\n")
    settled = source.with_types({"zip": "text", "age": "number", "flag": "boolean", "n": "integer"})
    assert columns(settled)["zip"] == ["22", "33"]
    assert source.load(RNG).types["zip"] == "integer"
    wrong = table("age\nold\n").with_types({"age": "number"})
    with pytest.raises(DataError, match='row 1, column "age": "old" is not a number'):
        wrong.load(RNG)


@pytest.mark.parametrize("rows", [1, 5000])
def test_numbers_of_the_training_data_have_one_unit(table, rows):
    types = {"price": "number"}
    filler = "$2,1\n" + ",1\n3,1\n" * rows
    result = table("price,y\n" + filler).with_types(types).load(RNG)
    assert result.columns["price"][:3].tolist() == pytest.approx([2, np.nan, 3], nan_ok=True)
    wrong = table("price,y\n" + filler + "5%,1\n").with_types(types)
    message = f'row {2 * rows + 2}, column "price": "5%" has another unit than the numbers before'
    with pytest.raises(DataError, match=message):
        wrong.load(RNG)


@pytest.mark.parametrize("rows", [1, 5000])
def test_booleans_that_had_gaps_in_the_training_data_are_read_as_numbers(table, rows):
    gaps = table("flag,y\ntrue,1\n,2\nfalse,3\n")
    types = gaps.load(RNG).types
    assert types["flag"] == "number"
    result = table("flag,y\n" + "FALSE,1\ntrue,2\n" * rows).with_types(types).load(RNG)
    assert result.columns["flag"].tolist() == [0, 1] * rows
    assert result.columns["flag"].dtype == float
    with pytest.raises(DataError, match='row 2, column "flag": "maybe" is not a number'):
        table("flag,y\n0,1\nmaybe,2\n").with_types(types).load(RNG)


NUMBERS = "1 -2 +3 4.5 .5 5. 1e5 1e400 -inf Infinity nan 1_0 \uff11 0x1 9223372036854775808"

WORDS = "NA ? x true False TRUE yes é 99999999999999999999"

OTHERS = ["", " x y ", "1 2", "a\tb", "1,2", 'q"q', "l\nm", '"', "1\n", " 7 ", " 8", "\t9", "- 1"]

cells = st.sampled_from([*NUMBERS.split(), *WORDS.split(), *OTHERS])

tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=9)
)


@given(rows=tables, quoting=st.sampled_from([python_csv.QUOTE_MINIMAL, python_csv.QUOTE_ALL]))
def test_polars_reads_what_python_reads(tmp_path, rows, quoting):
    pytest.importorskip("polars")
    text = io.StringIO()
    names = [f"c{index}" for index in range(len(rows[0]))]
    python_csv.writer(text, quoting=quoting, lineterminator="\n").writerows([names, *rows])
    path = tmp_path / "table.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    compare(path)


@given(text=st.text(alphabet='ab1.,"\n \r;é\0-', max_size=40))
@settings(max_examples=2 * settings().max_examples)
def test_polars_refuses_what_python_refuses(tmp_path, text):
    pytest.importorskip("polars")
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + text, encoding="utf-8", newline="")
    compare(path)


def compare(path):
    results = []
    for use, short in ((False, 0), (True, 0), (True, 10)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("declnet_plugins.standard.data.csv.polars_is_there", lambda use=use: use)
            patch.setattr("declnet_plugins.standard.data.csv_polars.SHORT", short)
            patch.setattr("declnet_plugins.standard.data.csv_polars.PIECE", 16)
            try:
                records = CSV(path=path).load(RNG)
            except DataError as error:
                results.append(str(error))
            else:
                arrays = records.columns.items()
                results.append([(name, value.dtype, value.tolist()) for name, value in arrays])
    assert same(results[1], results[0])
    assert same(results[2], results[0])


def test_rows_without_a_target_may_be_left_out(table):
    content = "a,t\n1,x\n2,\n3,y\n4,NA\n5,x\n"
    assert len(table(content, target="t").load(RNG)) == 5
    source = table(content, target="t", missing_target="leave_out")
    records = source.load(RNG)
    assert records.columns["a"].tolist() == [1, 3, 5]
    assert [records.row_number(index) for index in range(3)] == [1, 3, 5]
    parts = list(source.chunks(RNG, 2))
    assert [part.columns["a"].tolist() for part in parts] == [[1], [3], [5]]
    assert [part.row_number(0) for part in parts] == [1, 3, 5]
    nothing = table("a,t\n1,\n2,NA\n", target="t", missing_target="leave_out")
    for read in (nothing.load, lambda rng: list(nothing.chunks(rng, 1))):
        with pytest.raises(DataError, match='no row has a value for the target "t"'):
            read(RNG)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"a,b\n", "has a header, but no rows"),
        (b"a,b", "has a header, but no rows"),
        (b"a,b\n\n\n", "has a header, but no rows"),
        (b"a,b\n1,2\n3\n", r"row 2 has 1 cell, but there are 2 columns"),
        (b"a,b\n1,2\n3,4,5\n", r"row 2 has 3 cells, but there are 2 columns.*quotation marks"),
        (b"a,b\n1,2,\n", "row 1 has 3 cells"),
        (b"a,b,a\n1,2,3\n", 'columns 1 and 3 are both called "a"'),
        (b'a,b\n1,"x\n2,y\n', "a quotation mark is not closed"),
        (b'a,b\n1,"x"y\n', "line 2: ',' expected after '\"'"),
        (b"a,b\n1,\xe9\n", r"line 2 has the byte 0xe9, which is not valid utf-8.*cp1252"),
        (b"a,b\n1,\0\n", r"line 2 has a NUL byte.*utf-16"),
        ("a,b\n1,2\n".encode("utf-16"), "is utf-16, not utf-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "NUL byte"),
        (b"PK\x03\x04\0\0\0\0", "NUL byte"),
        (b"\x93NUMPY\x01\x00v\x00{'descr'", "0x93"),
    ],
)
def test_a_file_that_is_not_a_table(table, content, message):
    with pytest.raises(DataError, match=message):
        table(content).load(RNG)


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


def test_a_cell_of_a_megabyte_is_reported(table):
    with pytest.raises(DataError, match="longer than 131072 characters"):
        table(b'a,b\n1,"' + b"x" * 2**20).load(RNG)


@pytest.mark.parametrize(
    ("cells", "decimal", "expected"),
    [
        (['"$215,000"', "-$5", '"($1,234.50)"', "12"], ".", [215000, -5, -1234.5, 12]),
        (['"1,656"', "7", ""], ".", [1656, 7, np.nan]),
        (['"₹1,23,456"', "₹5"], ".", [123456, 5]),
        (["12.5%", "-3 %"], ".", [12.5, -3]),
        (["1 250 USD", "1\u202f250\u202f000 USD"], ".", [1250, 1250000]),
        (["CHF 1'200.50", "3"], ".", [1200.5, 3]),
        (['"215.000,50"', '"1.000"', '"12,5 €"'], ",", [215000.5, 1000, 12.5]),
        (["$5", "€5"], ".", ["$5", "€5"]),  # not comparable
        (["5%", "5"], ".", ["5%", "5"]),
        (['"1,65"', "1"], ".", ["1,65", "1"]),
        (['"1,656,5"', "1"], ".", ["1,656,5", "1"]),
        (["$007", "$1"], ".", ["$007", "$1"]),
    ],
)
def test_amounts_are_numbers(cells, decimal, expected, table):
    content = "\n".join(["a;b", *(f"{cell};1" for cell in cells), ""])
    result = columns(table(content, delimiter=";", decimal=decimal))
    assert same(
        result["a"], [value if isinstance(value, str) else float(value) for value in expected]
    )


def test_amounts_are_read_alike_by_chunks_and_in_later_data(table, monkeypatch):
    monkeypatch.setattr(declnet_plugins.standard.data.csv_polars, "PIECE", 20)
    monkeypatch.setattr(declnet_plugins.standard.data.csv_rows, "CELLS", 4)
    source = table('a,b,c\n1,01,$5\n2,1,€5\n3,2,"$1,000"\n"1,500",3,$1\n')
    expected = {"a": [1, 2, 3, 1500], "b": ["01", "1", "2", "3"], "c": ["$5", "€5", "$1,000", "$1"]}
    assert columns(source) == expected
    parts = list(source.chunks(RNG, 3))
    for name, cells in expected.items():
        assert [value for part in parts for value in part.columns[name].tolist()] == cells
    later = table("a,b,c\n$7,1,8\n", name="later.csv").with_types(source.load(RNG).types)
    assert columns(later) == {"a": [7.0], "b": ["1"], "c": ["8"]}


def test_declared_types_are_read_without_a_note(table):
    content = 'a,b,c,d\n"$1,000",007,"2.150,50",A\n$5,1,"1.000",07\n'
    declared = table(content, types={"a": "integer", "b": "integer", "c": "comma_number"})
    assert (table(content).load(RNG).notes.keys(), declared.load(RNG).notes) == (set("abc"), {})
    cells = {"a": [1000, 5], "b": [7, 1], "c": [2150.5, 1000], "d": ["A", "07"]}
    assert columns(declared) == cells


def test_a_piece_of_a_file_is_in_memory_twice_at_most(tmp_path, monkeypatch):
    size = 1 << 18
    monkeypatch.setattr(declnet_plugins.standard.data.csv_polars, "PIECE", size)
    (tmp_path / "long.csv").write_bytes(b"1.25,2.5,3.75\n" * (4 * size // 14))
    tracemalloc.start()
    try:
        with (tmp_path / "long.csv").open("rb", buffering=0) as file:
            held = [tracemalloc.get_traced_memory()[0] for _ in _pieces(file)]
    finally:
        tracemalloc.stop()
    assert len(held) > 3
    assert max(held) < 2.5 * size
