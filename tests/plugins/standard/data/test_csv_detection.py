"""How the source `csv` detects the format of a file."""

from __future__ import annotations

import gzip
import os

import numpy as np
import pytest

from declnet_plugins.standard.data.csv import CSV, TSV
from declnet_plugins.standard.data.csv_detection import PIECE, text_format


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,b\n1,2\n", {}),
        ("ä,b\n1,2\n".encode(), {}),
        ("\ufeffä,b\n1,2\n".encode(), {}),
        ("größe,b\n1,2\n".encode("cp1252"), {"encoding": "cp1252"}),
        (b"a,b\n\x81,2\n\xe4,3\n", {"encoding": "latin-1"}),
        ("ä,b\n1,2\n".encode("utf-16"), {"encoding": "utf-16"}),
        ("a;b\n1,5;2,5\n", {"delimiter": ";"}),
        ("a\tb\n1\t2\n", {"delimiter": "\t"}),
        ("a|b|c\n1|2|3\n", {"delimiter": "|"}),
        ('a,"b;c;d"\n1,"2;3;4"\n', {}),
        ("a,b;c\n1,2;3\n4,5;6;7\n", {}),
        ("alone\n1\n2\n", {}),
        ("a;b\n1;2", {"delimiter": ";"}),
        ("", {}),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_unusual_formats_are_detected(content, expected, packed, tmp_path):
    path = tmp_path / ("table.csv.gz" if packed else "table.csv")
    raw = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(gzip.compress(raw) if packed else raw)
    assert text_format(path, CSV(path=path).missing) == expected


MARKERS = r"""
- -- --- . .. * ** x X NULL Null None none NONE na n/a N.A. n.a. <NA> NaT nil \N (null) ND n.d.
k.A. missing Missing MISSING unknown Unknown UNKNOWN #N/A #NA #DIV/0! #VALUE! #REF! #NAME? #NUM!
#NULL!
"""


@pytest.mark.parametrize("marker", [*MARKERS.split(), "\u2013", "\u2014"])
def test_a_marker_among_numbers_is_missing(marker, tmp_path):
    path = tmp_path / "table.csv"
    numbers = "".join(f"{number},text\n" for number in range(9))
    path.write_text(f"a,b\n{numbers}{marker},text\n", "utf-8")
    usual = CSV(path=path).missing
    assert text_format(path, usual) == {"missing": (*usual, marker)}
    path.write_text(f"a,b\n{numbers}{marker},{marker}\n", "utf-8")  # in b it may be a text
    assert text_format(path, usual) == {}


def test_a_letter_far_into_the_file_is_detected(tmp_path):
    path, many = tmp_path / "table.csv", b"1,2\n" * (PIECE // 4)
    path.write_bytes(b"a,b\n" + many + "ü,3\n".encode("cp1252"))
    assert text_format(path, CSV(path=path).missing) == {"encoding": "cp1252"}
    path.write_bytes(b"a,b\n" + many[:-4] + "1ü,3\n".encode())  # the ü is cut in two by the pieces
    assert text_format(path, CSV(path=path).missing) == {}


def test_unreadable_files_are_left_to_the_source(tmp_path):
    assert text_format(tmp_path / "nowhere.csv", ()) == {}
    os.mkfifo(tmp_path / "pipe.csv")
    assert text_format(tmp_path / "pipe.csv", ()) == {}
    path = tmp_path / "table.csv.gz"
    path.write_bytes(b"no gzip")
    assert text_format(path, CSV(path=path).missing) == {}


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [(["1,5", "2"], [1.5, 2.0]), (["-,5", "+3,25"], [-0.5, 3.25]), (["1,5", "x"], None)],
)
def test_commas_in_numbers_are_reported_by_the_cells(cells, numbers, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x;y\n" + "".join(f"{cell};a\n" for cell in cells))
    source = CSV.for_file(path).with_detected_format()
    table = source.load(np.random.default_rng(0))
    assert table.columns["x"].tolist() == (cells if numbers is None else numbers)
    assert source.decimal == ("." if numbers is None else ",")


@pytest.mark.parametrize("name", ["table.tsv", "table.TSV", "table.tsv.gz"])
def test_tabs_are_detected_by_the_name_of_the_file(name, tmp_path):
    content = b"a\tb\n1,5\t2\n"
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    table = TSV.for_file(path).load(np.random.default_rng(0))
    assert {value: column.tolist() for value, column in table.columns.items()} == {
        "a": ["1,5"],
        "b": [2],
    }
    for like, delimiter in (
        (CSV(path="other.csv", delimiter=",", target="y"), "\t"),  # as in the spec of any run
        (TSV(path="other.tsv", delimiter=";", target="y"), ";"),
    ):
        other = TSV.for_file(path, like)
        assert (other.path, other.delimiter, other.target) == (path, delimiter, "y")
