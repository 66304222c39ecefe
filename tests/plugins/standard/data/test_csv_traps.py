"""Unusual CSV files: each leads to a correct result, or to an error with its place.

`declnet new` writes a spec for each file, which is trained for an epoch.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from click.testing import CliRunner

import declnet
from declnet.cli.main import command
from declnet.errors import DeclnetError


def table(line, header="a,x,y", end="\n"):
    """40 rows; a line is called with the row's number, from 0."""
    lines = [header, *(f"{at % 7}.5,{line(at)},{'jn'[at % 2]}" for at in range(40))]
    return end.join([*lines, ""])


PLAIN = table(lambda at: "uvw"[at % 3])
ACCENTS = table(lambda at: "äöü"[at % 3], "größe,x,y")
READ = {"a": [0.5, 1.5], "x": ["u", "v"]}
READ_ACCENTS = {"größe": [0.5, 1.5], "x": ["ä", "ö"]}


def but(odd):
    """Numbers in all rows but the sixth."""
    return table(lambda at: odd if at == 5 else at * 1.5)


def of_targets(target):
    """40 rows, with the target first."""
    return "\n".join(["y,x", *(f"{target(at)},{at * 1.5}" for at in range(40)), ""])


TRAPS = {
    # encodings
    "utf-8": (ACCENTS, READ_ACCENTS),
    "utf-16, big end first": (b"\xfe\xff" + ACCENTS.encode("utf-16-be"), READ_ACCENTS),
    "utf-16 without a mark": (ACCENTS.encode("utf-16-le"), READ_ACCENTS),
    "utf-16 without a mark, big end": (ACCENTS.encode("utf-16-be"), READ_ACCENTS),
    "utf-32": (ACCENTS.encode("utf-32"), READ_ACCENTS),
    "cp1252": (ACCENTS.replace("ö", "€").encode("cp1252"), {"gr€ße": [0.5, 1.5], "x": ["ä", "€"]}),
    "utf-8 with a damaged letter": (
        ACCENTS.encode().replace("ü".encode(), b"\xff", 1),
        "line 4 has the byte 0xff, which is not valid utf-8",
    ),
    "a zero byte": (PLAIN.replace("u", "\0", 1), "line 2 has a NUL byte"),
    # delimiters
    "semicolons": (PLAIN.replace(",", ";"), READ),
    "spaces": (PLAIN.replace(",", " "), 'no column "y" .are the cells separated by spaces'),
    "colons": (PLAIN.replace(",", ":"), "no column \"y\" .is the delimiter ':'"),
    "a line for Excel": ("sep=;\n" + PLAIN.replace(",", ";"), 'line 1 is "sep=;", which only'),
    # quotes
    "quotes": (
        table(lambda at: f'"say ""hi"", {at % 3}\nthere"'),
        {"x": ['say "hi", 0\nthere', 'say "hi", 1\nthere']},
    ),
    "inches": (table(lambda at: f'{at % 3}" pipe'), {"x": ['0" pipe', '1" pipe']}),
    "backslashes": (table(lambda at: r'"say \"hi\""'), "line 2: .*within a cell are doubled"),
    "apostrophes": (table(lambda at: "'u, v'"), "row 1 has 4 cells, but there are 3 columns"),
    # decimal commas
    "decimal commas": (
        table(lambda at: f"{at}.25").replace(",", ";").replace(".", ","),
        {"a": [0.5, 1.5], "x": [0.25, 1.25]},
    ),
    "decimal commas in quotes": (table(lambda at: f'"{at},25"'), {"x": [0.25, 1.25]}),
    "decimal commas, thousands": (table(lambda at: f'"{at + 1}.250,5"'), {"x": [1250.5, 2250.5]}),
    # rows
    "a long row": (PLAIN + "1,2,j,4\n", "row 41 has 4 cells, but there are 3 columns"),
    "commas at the end of every line": (PLAIN.replace("\n", ",\n"), READ),
    "commas at the end of rows": (
        PLAIN.replace("\n", ",\n").replace(",\n", "\n", 1),
        "row 1 has 4 cells, .*does the row end with ',', unlike the first line",
    ),
    "blank lines": (PLAIN.replace("\n", "\n\n") + "\n\n", READ),
    "a comment above": ("# 2024\n" + PLAIN, "row 1 has 3 cells, .*lines above the names"),
    "a title above": ("Sales\n\n" + PLAIN, "row 1 has 3 cells, .*lines above the names"),
    "a total below": (
        PLAIN + "Total,,\n",
        {"a": ["0.5", "1.5"], "note": 'column "a" is read as text, because row 41 is "Total"'},
    ),
    "returns": (PLAIN.replace("\n", "\r"), READ),
    "an end of file from DOS": (PLAIN + "\x1a", "row 41 has 1 cell, but there are 3 columns"),
    # headers
    "two cases": (PLAIN.replace("a,x", "X,x"), {"X": [0.5, 1.5], "x": ["u", "v"]}),
    "empty ones": (PLAIN.replace("a,x", " ,"), {"column_1": [0.5, 1.5], "column_2": ["u", "v"]}),
    "a line break": (PLAIN.replace("a,x", '"a\nb",x'), {"a\nb": [0.5, 1.5], "x": ["u", "v"]}),
    "other signs": (PLAIN.replace("a,x", "a.b[0],x/'"), {"a.b[0]": [0.5, 1.5], "x/'": ["u", "v"]}),
    "none": (PLAIN.partition("\n")[2], 'no column "y"'),
    # targets
    "an infinite target": (
        of_targets(lambda at: "-inf" if at == 3 else at / 2),
        'row 4: the target "y" is infinite',
    ),
    "a target of three rows": ("y,a\nj,1\nn,3\nj,2\n", "has 2 classes in 3 rows"),
    "the target first": (of_targets(lambda at: f"j{at % 3}"), {"x": [0.0, 1.5]}),
    "a class of one row": (
        of_targets(lambda at: "a" if at == 7 else "jn"[at % 2]),
        {"x": [0.0, 1.5]},
    ),
    "scripts and signs": (
        of_targets(lambda at: ["はい", "いいえ", '"c,""|d"'][at % 3]),
        {"x": [0.0, 1.5]},
    ),
    # size; a million rows take too long for a test, and are measured in docs/reference/data.md
    "2,000 columns": (
        table(
            lambda at: ",".join(str(at * place % 9 / 2) for place in range(2000)),
            f"a,{','.join(f'x{place}' for place in range(2000))},y",
        ),
        {"x1": [0.0, 0.5], "x1999": [0.0, 0.5]},
    ),
    # dates
    "2024-03-01T08:15:00Z": (table(lambda at: f"2024-03-{at % 28 + 1:02}T08:15:00Z"), {"dates": 1}),
    "31.1.2024": (table(lambda at: f"{at % 28 + 1}.{at % 12 + 1}.2024"), {"dates": 1}),
    "Jan 31, 2024": (table(lambda at: f'"Jan {at % 28 + 1}, 2024"'), {"dates": 1}),
    # missing values
    **{
        f"missing as {odd}": (but(odd), {"x": [0.0, 1.5], "missing": 1})
        for odd in ("", " ", "n/a", "#DIV/0!")
    },
    "below a limit": (
        but("<5"),
        {"x": ["0.0", "1.5"], "note": 'column "x" is read as text, because row 6 is "<5"'},
    ),
    **{
        f"{texts} texts among {numbers} numbers in {odd} rows": (
            table(lambda at, o=odd, n=numbers, t=texts: "abcd"[at % t] if at < o else at % n),
            {"note": "because row 1 is" if is_noted else ""},
        )
        for texts, numbers, odd, is_noted in (
            (1, 5, 4, True), (1, 4, 4, False), (3, 15, 4, True), (3, 14, 4, False),
            (4, 36, 4, False), (1, 5, 20, True), (1, 5, 21, False),
        )
    },
    "a code among numbers": (
        table(lambda at: "A" if at % 4 == 3 else at % 4), {"x": ["0", "1"], "note": ""}
    ),
    "a dash in text too": (
        table(lambda at: "-" if at == 5 else at, "a,x,y").replace(",j", ',"-"', 1),
        {"x": ["0", "1"], "note": 'because row 6 is "-"'},
    ),
    # numbers
    "spaces in thousands": (table(lambda at: f"1\u00a0{100 + at}"), {"x": [1100.0, 1101.0]}),
    "postcodes": (table(lambda at: f"0{at % 5:04}"), {"x": ["00000", "00001"]}),
    "underscores": (table(lambda at: f"1_{at % 5}"), {"x": ["1_0", "1_1"]}),
    "yes and no": (table(lambda at: ["yes", "NO"][at % 2]), {"x": ["yes", "NO"]}),
    "infinite": (but("inf"), {"x": [0.0, 1.5]}),
}  # fmt: skip


@pytest.fixture(params=["python", "polars"])
def reader(request, monkeypatch):
    """Python's reader alone, and polars where it can read the file."""
    if request.param == "polars":
        pytest.importorskip("polars")
    use = request.param == "polars"
    monkeypatch.setattr("declnet_plugins.standard.data.csv.polars_is_there", lambda: use)


def written(name, folder):
    content, expected = TRAPS[name]
    path = folder / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path, expected


@pytest.mark.parametrize("name", [n for n, (_, value) in TRAPS.items() if isinstance(value, str)])
def test_an_error_has_its_place(name, tmp_path, reader):
    path, message = written(name, tmp_path)
    done = CliRunner().invoke(command, ["new", f"{path}.toml", "--data", str(path), "--target=y"])
    assert isinstance(done.exception, DeclnetError)
    with pytest.raises(DeclnetError, match=f"table.csv: .*{message}"):
        raise done.exception


@pytest.mark.parametrize("name", [n for n, (_, value) in TRAPS.items() if isinstance(value, dict)])
def test_the_spec_of_a_readable_file_trains(name, tmp_path, monkeypatch):
    path, expected = written(name, tmp_path)
    words = ["new", f"{path}.toml", "--data", str(path), "--target=y", "--folds=1"]
    done = CliRunner().invoke(command, words)
    assert done.exception is None, done.exception
    spec = declnet.load_spec(f"{path}.toml", {"training.epochs": 1})
    assert np.isfinite(declnet.run(spec).history[0]["loss"])
    expected = dict(expected)
    note, missing = expected.pop("note", ""), expected.pop("missing", None)
    assert note in done.output
    assert note or "is read as text" not in done.output or name == "postcodes"
    if expected.pop("dates", False):
        assert (spec.data.train.features, spec.data.prepare[0].type) == (("a", "x"), "datetime")
    for has_polars in {False, find_spec("polars") is not None}:
        monkeypatch.setattr("declnet_plugins.standard.data.csv.polars_is_there", lambda: has_polars)  # noqa: B023
        columns = spec.data.train.load(np.random.default_rng(0)).columns
        for column, cells in expected.items():
            assert columns[column][:2].tolist() == cells
            assert missing is None or np.isnan(columns[column]).sum() == missing
