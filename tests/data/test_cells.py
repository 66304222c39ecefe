"""Cells mean the same in every format: 300 rows of odd cells give the same predictions."""

from __future__ import annotations

import csv
import io
import json
import re
import runpy
import sqlite3
from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet import (
    CellFormat,
    Cells,
    DataError,
    Table,
    as_table,
    load_predictor,
    open_run,
    parse_spec,
    run,
    write_predictions,
)
from declnet.data.cells import text_of, trimmed
from declnet.data.sources.loading import as_data
from declnet_plugins.exchange import export
from declnet_plugins.standard.data.csv import CSV
from declnet_plugins.standard.data.json_lines import JSONLines
from declnet_plugins.standard.data.parquet import Parquet
from tests.documents import spec_document

ROWS = 300

CELLS = {
    "size": [
        "1.5",
        " 2 ",
        "2.0",
        "1e1",
        "\t4",
        "-0",
        "",
        " ",
        "NA",
        " NA ",
        "?",
        1.5,
        3,
        0.1,
        None,
    ],
    "count": ["1", "1.0", " 2", "3 ", "", "?", 1, 2.0, 3, None],
    "fresh": ["true", "True", " FALSE ", "1", "0.0", True, False, 1, 0, 1.0],
    "late": ["true", " False", "1", "", "NA", True, False, 1, 0.0, None],
    "color": ["red", " red ", "blue\t", "Red", "", "null", " NA", None, "other"],
    "code": ["1", " 1", "1.0", "A ", "N/A", "true", 1, 1.0, 2, 1.5, True, None],
    "day": [
        "2024-01-31",
        " 2024-03-01 ",
        "",
        date(2024, 2, 1),
        datetime(2024, 2, 2, 3, 4, 5),
        None,
    ],
    "price": ["$1,250.50", " $ 4 ", "($3.00)", "12", "NA", "", 1250.5, 7, None],
}
"""Cells of each column, as text and as typed values."""

TRAINING = {
    "size": ["1.5", "2.25", "", "4.5"],
    "count": ["1", "2", "3", "2"],
    "fresh": ["true", "false", "false", "true"],
    "late": ["true", "false", "", "true"],
    "color": ["red", "blue", "green", "blue"],
    "code": ["1", "2", "A", "1.5"],
    "day": ["2024-01-31", "2024-02-29", "2024-03-03", ""],
    "price": ["$1,000.00", "$3.50", "12", ""],
    "label": ["-1.0", "1.0", "1.0", "-1.0"],
}

SPEC = spec_document([{"type": "dense", "units": 2}, "softmax"])

PREPARE = [
    {"type": "datetime", "columns": ["day"]},
    {"type": "one_hot", "columns": ["count", "color", "code"], "missing": "zeros"},
    "impute",
    "standardize",
]


def text(value):
    """Return a value as written in a text file."""
    return value.isoformat() if isinstance(value, date) else text_of(value) or ""


def rows(texts=False):
    rng = np.random.default_rng(0)
    picked = [
        {name: cells[rng.integers(len(cells))] for name, cells in CELLS.items()}
        for _ in range(ROWS)
    ]
    return [{n: text(v) for n, v in row.items()} for row in picked] if texts else picked


def in_json():
    return [{n: text(v) if isinstance(v, date) else v for n, v in row.items()} for row in rows()]


def columns(records):
    return {name: [row[name] for row in records] for name in CELLS}


def csv_text(delimiter=",", after=""):
    """Return the rows as CSV; quoted cells are followed by `after`."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(CELLS)
    writer.writerows(row.values() for row in rows(texts=True))
    return file.getvalue().replace(f'"{delimiter}', f'"{after}{delimiter}')


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cells")
    with (folder / "train.csv").open("w", newline="") as file:
        csv.writer(file).writerows([TRAINING, *zip(*TRAINING.values(), strict=True)])
    data = {"train": {"type": "csv", "path": str(folder / "train.csv"), "target": "label"}}
    spec = {**SPEC, "data": {**data, "prepare": PREPARE}}
    run(parse_spec(spec), out=folder / "run")
    return folder


@pytest.fixture(scope="module")
def predictor(folder):
    return load_predictor(folder / "run")


@pytest.fixture(scope="module")
def expected(predictor):
    """The predictions of the rows as Python values."""
    return predictor.predict(rows())


def excel(path):
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("python_calamine")
    book = openpyxl.Workbook()
    book.active.append(list(CELLS))
    for row in rows():
        book.active.append(list(row.values()))
    book.save(path / "rows.xlsx")
    return path / "rows.xlsx"


def parquet(path):
    pl = pytest.importorskip("polars")
    pl.DataFrame(columns(rows(texts=True))).write_parquet(path / "rows.parquet")
    return path / "rows.parquet"


def _stored(value):
    """Return a value as SQLite stores it, which has no booleans."""
    return text(value) if isinstance(value, bool) else value


def sql(path):
    pytest.importorskip("sqlalchemy")
    from declnet_plugins.standard.data.sql import SQL

    names = ", ".join(CELLS)
    with sqlite3.connect(path / "rows.db") as database:
        database.execute(f"CREATE TABLE cells ({names})")
        values = ", ".join("?" * len(CELLS))
        records = [[_stored(value) for value in row.values()] for row in in_json()]
        database.executemany(f"INSERT INTO cells VALUES ({values})", records)
    database.close()
    url = f"sqlite:///{path / 'rows.db'}"
    return SQL(url=url, query=f"SELECT {names} FROM cells ORDER BY rowid")


def written(name, content):
    def write(path):
        (path / name).write_text(content())
        return path / name

    return write


FILES = {
    "csv": written("rows.csv", csv_text),
    "csv with spaces after quotes": written("rows.csv", lambda: csv_text(after=" ")),
    "tsv": written("rows.tsv", lambda: csv_text("\t")),
    "json lines": written("rows.jsonl", lambda: "\n".join(map(json.dumps, in_json()))),
    "json lines of text": written(
        "rows.jsonl", lambda: "\n".join(map(json.dumps, rows(texts=True)))
    ),
    "excel": excel,
    "parquet": parquet,
    "sql": sql,
}


@pytest.mark.parametrize("form", FILES)
def test_files(form, predictor, expected, tmp_path):
    (predictions,) = predictor.predict_parts(FILES[form](tmp_path))
    np.testing.assert_array_equal(predictions.probabilities, expected.probabilities)
    assert predictions.prediction.tolist() == expected.prediction.tolist()


def frame(library, *, texts):
    module = pytest.importorskip(library)
    mixed = columns(rows(texts))
    if library == "polars":
        return module.DataFrame(
            {n: module.Series(n, v, dtype=module.Object) for n, v in mixed.items()}
        )
    return module.DataFrame(mixed, dtype=object)


FRAMES = {
    "columns": lambda: columns(rows()),
    "columns of text": lambda: columns(rows(texts=True)),
    "rows of text": lambda: rows(texts=True),
    "pandas": lambda: frame("pandas", texts=False),
    "pandas, text": lambda: frame("pandas", texts=True),
    "polars": lambda: frame("polars", texts=False),
    "polars, text": lambda: pytest.importorskip("polars").DataFrame(columns(rows(texts=True))),
    "table": lambda: as_table(columns(rows(texts=True))),
}


@pytest.mark.parametrize("form", FRAMES)
def test_frames(form, predictor, expected):
    predictions = predictor.predict(FRAMES[form]())
    np.testing.assert_array_equal(predictions.probabilities, expected.probabilities)
    x = predictor.member.prepared(as_table(rows(), types=predictor.column_types))[""]
    np.testing.assert_array_equal(
        predictor.member.prepared(as_table(FRAMES[form](), types=predictor.column_types))[""], x
    )


def test_a_numpy_file(predictor, folder, tmp_path):
    """It reads the same cells, except for money as text."""
    exported = export(open_run(folder / "run"), tmp_path / "model.py")
    assert exported.labels_differ == 0
    records = [
        {**row, "price": None if isinstance(row["price"], str) else row["price"]}
        for row in in_json()
    ]
    predict = runpy.run_path(str(tmp_path / "model.py"))["predict"]
    np.testing.assert_allclose(
        predict(columns(records))["probabilities"],
        predictor.predict(records).probabilities,
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize("form", ["rows", "columns", "text", "csv"])
def test_served(form, folder, expected):
    pytest.importorskip("orjson")
    from declnet_plugins.serve.answers import PredictionRequest, Protocol, answer
    from declnet_plugins.serve.models import LoadedModel
    from declnet_plugins.serve.requests import Query

    bodies = {"rows": in_json(), "columns": columns(in_json()), "text": rows(texts=True)}
    body = (csv_text() if form == "csv" else json.dumps(bodies[form])).encode()
    kind = "csv" if form == "csv" else "json"
    model = LoadedModel("run", folder / "run", None, print)
    request = PredictionRequest(body, kind, "json", Query(), ROWS, Protocol())
    answered = answer(model, request)
    labels = [row["prediction"] for row in json.loads(answered.body)["predictions"]]
    assert (answered.rows, labels) == (ROWS, expected.prediction.tolist())


@pytest.mark.parametrize(
    ("labels", "source", "written"),
    [
        (["-1.0", "1.0"], {}, ["-1.0", "1.0"]),
        (["-1.0", "1.0", ""], {"missing_target": "leave_out"}, ["-1.0", "1.0"]),
        (["-1", "1", ""], {"missing_target": "leave_out"}, ["-1", "1"]),
        ([" low", "high "], {}, ["high", "low"]),
        (["true", "false"], {}, ["false", "true"]),
        (["True", " False"], {}, ["False", "True"]),
        (["TRUE", "FALSE", "NA"], {"missing_target": "leave_out"}, ["FALSE", "TRUE"]),
        (["true", "false", ""], {"missing_target": "leave_out"}, ["false", "true"]),
        (["True", "true", "FALSE"], {}, ["FALSE", "true"]),
        (["+1", "-1"], {}, ["-1", "+1"]),
        (["1.50e1", "2.00"], {}, ["2.00", "1.50e1"]),
        (["1", "2"], {"types": {"y": "number"}}, ["1", "2"]),
        (["Yes", "no"], {}, ["Yes", "no"]),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_labels_are_returned_as_they_were_written(labels, source, written, stream, tmp_path):
    if stream:
        pytest.importorskip("polars")
    lines = [f"{at},{labels[at % len(labels)]}" for at in range(12)]
    (tmp_path / "train.csv").write_text("\n".join(["x,y", *lines, ""]))
    train = {"type": "csv", "path": str(tmp_path / "train.csv"), "target": "y", **source}
    training = {"epochs": 1, "batch_size": 4}
    spec = {**SPEC, "data": {"train": train, "stream": stream}, "training": training}
    run(parse_spec(spec), out=tmp_path / "run")
    predictor = load_predictor(tmp_path / "run")
    assert predictor.class_names == tuple(written)
    file = io.BytesIO()
    write_predictions([predictor.predict({"x": [-50, 0, 50]})], file, "csv")
    lines = file.getvalue().decode().splitlines()
    assert lines[0] == f"prediction,probability_{written[0]},probability_{written[1]}"
    assert {line.split(",")[0] for line in lines[1:]} <= {*written}
    evaluation = predictor.evaluate(({"x": [1, 2]}, [f"{written[0]} ", written[1]]))
    assert evaluation.samples == 2


@pytest.mark.parametrize("form", ["text", "values"])
@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ({"size": "abc"}, 'row 2, column "size": "abc" is not a number'),
        ({"size": "$1.5.3"}, 'row 2, column "size": "$1.5.3" is not a number'),
        ({"fresh": 2}, 'row 2, column "fresh" is 2, but the training data has booleans'),
        ({"fresh": "yes"}, 'row 2, column "fresh": "yes" is not a boolean'),
    ],
)
def test_a_cell_of_another_type_is_named(cell, message, form, predictor, tmp_path):
    row = {name: cells[0] for name, cells in CELLS.items()}
    records = [{**row, "size": True}, {**row, **cell}]
    if form == "values":
        with pytest.raises(DataError, match=re.escape(message)):
            predictor.predict(records)
        return
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([CELLS, *(map(text, record.values()) for record in records)])
    with pytest.raises(DataError, match=re.escape(message)):
        list(predictor.predict_parts(path))


def test_declared_missing_markers_and_decimal_commas_apply_to_values(tmp_path):
    lines = [f"{at},5;{at / 8:.3f};{'NA' if at % 2 else 'DE'};{at % 2}" for at in range(12)]
    content = "\n".join(["x;z;country;y", *lines, ""]).replace(".", ",")
    (tmp_path / "train.csv").write_text(content)
    train = {"type": "csv", "path": str(tmp_path / "train.csv"), "target": "y", "delimiter": ";"}
    train |= {"decimal": ",", "missing": ["-"]}
    prepare = ["impute", {"type": "one_hot", "missing": "zeros"}]
    run(parse_spec({**SPEC, "data": {"train": train, "prepare": prepare}}), out=tmp_path / "run")
    predictor = load_predictor(tmp_path / "run")
    records = [
        {"x": "1,5", "z": 1.125, "country": " NA"},
        {"x": " -", "z": "1,125", "country": "-"},
        {"x": 1.5, "z": "-", "country": None},
        {"x": "1.234,5", "z": 1.125, "country": "DE"},
    ]
    form = predictor.preparation.cells
    assert form == CellFormat(("-",), ",")
    x = predictor.member.prepared(as_table(records, cells=form, types=predictor.column_types))[""]
    np.testing.assert_array_equal(x[:, 0], [1.5, 6, 1.5, 1234.5])
    np.testing.assert_allclose(x[:, 1], [1.125, 1.125, 0.6875, 1.125])
    np.testing.assert_array_equal(x[:, 2:], [[0, 1], [1, 0], [1, 0], [1, 0]])
    rows = ["x;z;country", *("1,5;1,125; NA", "-;1,125;-", "1,5;-;-", "1.234,5;1,125;DE")]
    (tmp_path / "rows.csv").write_text("\n".join([*rows, ""]))
    (predictions,) = predictor.predict_parts(tmp_path / "rows.csv")
    np.testing.assert_array_equal(
        predictions.probabilities, predictor.predict(records).probabilities
    )


def test_text_without_spaces_is_not_copied():
    column = np.array(["a", None, "b c"], object)
    assert trimmed(column, CellFormat()) is column
    assert trimmed(np.array([" a", "?", " ", 2.0, True], object), CellFormat()).tolist() == [
        "a", None, None, "2", "true",
    ]  # fmt: skip


RAW = st.sampled_from(
    ["1", " 2", "03", "1.5", "1e3", "", "NA", "true", "False ", "$5", "€5", "1,5", "1.250,50", "x"]
)


@given(texts=st.lists(RAW, min_size=1, max_size=8), decimal=st.sampled_from(".,"))
def test_reading_distinct_texts_equals_reading_all_cells(texts, decimal):
    distinct = list(dict.fromkeys(texts))
    codes = np.array([distinct.index(text) for text in texts])
    every = Cells(texts, CellFormat().missing, decimal)
    coded = Cells(distinct, CellFormat().missing, decimal, codes)
    for kind in ("integer", "number", "comma_number", "boolean", "text"):
        for one, other in (
            (every.read(kind), coded.read(kind)),
            (every.read_plain(kind), coded.read_plain(kind)),
        ):
            np.testing.assert_equal(one, other)
            assert getattr(one, "dtype", None) == getattr(other, "dtype", None)
        if every.read(kind) is None:
            assert every.first_mismatch(kind) == coded.first_mismatch(kind)
    assert len(coded) == len(every)
    assert coded.padded() == every.padded()
    assert coded.are_missing() == every.are_missing()
    assert {unit for _, _, unit in coded.with_units()} == {u for _, _, u in every.with_units()}


@pytest.mark.parametrize("form", [CSV, JSONLines, Parquet])
def test_text_is_trimmed_once(form, tmp_path, monkeypatch):
    path = tmp_path / f"rows{form.suffixes[0]}"
    if form is Parquet:
        pytest.importorskip("polars").DataFrame({"x": [" a", "b"]}).write_parquet(path)
    else:
        path.write_text('{"x": " a"}\n{"x": "b"}\n' if form is JSONLines else "x\n a\nb\n")
    table = form(path=path).load(np.random.default_rng(0))
    monkeypatch.setattr("declnet.data.sources.loading.trimmed", None)
    assert as_data(table, "train") is table
    assert table.columns["x"].tolist() == ["a", "b"]


def test_training_data_from_a_program_is_read_like_a_file():
    columns = {"x": [" a", "NA", ""], "y": ["b ", "c", "b"]}
    assert as_table(columns).columns["x"].tolist() == ["a", None, None]
    loaded = as_data(Table({n: np.array(v, object) for n, v in columns.items()}, "y"), "train")
    assert loaded.columns["x"].tolist() == ["a", None, None]
    assert loaded.columns["y"].tolist() == ["b", "c", "b"]
    assert np.isnan(as_table({"x": ["", "NA"]}).columns["x"]).all()


@pytest.mark.parametrize("form", ["values", "numpy", "pandas", "polars", "parquet"])
def test_times_have_the_same_text_in_every_format(form, tmp_path):
    moments = [datetime(2024, 1, 31), None, datetime(2024, 1, 31, 8, 5, 0, 500)]
    days = [date(2024, 1, 31), None, date(2024, 3, 1)]
    data = {"moment": moments, "day": days}
    if form == "numpy":
        data = {"moment": np.array(moments, "datetime64[ns]"), "day": np.array(days, "M8[D]")}
    elif form != "values":
        module = pytest.importorskip("pandas" if form == "pandas" else "polars")
        data = module.DataFrame(data)
    if form == "parquet":
        data.write_parquet(tmp_path / "times.parquet")
        source = Parquet(path=tmp_path / "times.parquet")
        table = source.load(np.random.default_rng(0))
        assert [block.types for block in map(source.blocks(1, 1).read, range(3))] == [
            {"moment": "text", "day": "text"}
        ] * 3
    else:
        table = as_table(data)
    texts = {name: column.tolist() for name, column in table.columns.items()}
    assert texts == {
        "moment": ["2024-01-31T00:00:00", None, "2024-01-31T08:05:00.000500"],
        "day": ["2024-01-31", None, "2024-03-01"],
    }


@pytest.mark.parametrize("form", [CSV, JSONLines, Parquet])
def test_rows_whose_target_is_declared_missing_are_left_out(form, tmp_path):
    data = {"x": ["1", "2", "-"], "y": ["a", " -", "NA "]}
    path = tmp_path / f"rows{form.suffixes[0]}"
    if form is Parquet:
        pytest.importorskip("polars").DataFrame(data).write_parquet(path)
    elif form is CSV:
        path.write_text("x,y\n1,a\n2, -\n-,NA \n")
    else:
        pairs = zip(*data.values(), strict=True)
        path.write_text("\n".join(json.dumps({"x": x, "y": y}) for x, y in pairs))
    source = form(path=path, target="y", missing=("-",), missing_target="leave_out")
    table = source.load(np.random.default_rng(0))
    assert table.columns["y"].tolist() == ["a", "NA"]
    assert table.rows.tolist() == [1, 3]
    assert table.cells.missing == ("-",)
    if form is Parquet:
        blocks = source.blocks(1, 1)
        assert [block.columns["y"].tolist() for block in map(blocks.read, range(2))] == [
            ["a"],
            ["NA"],
        ]


ODD_COLUMNS = (
    ["1", " 2.5", "NA"],
    ["1", "2", "-3"],
    ["u ", None, ""],
    ["$5", "6", "7"],
    ["1_0", "2", "3"],
    [1, 2.5, None],
    [True, 2, 3],
    [1, 2**63, -1],
    [None, None, None],
    ["nan", "inf", "1e400"],
    [np.float32(1.5), 2.0, float("nan")],
    ["a", 1, True],
    ["\ud800", "b", "c"],
    [10**400, 1, 2],
)


@pytest.mark.parametrize("kind", ["number", "integer", "text", "boolean"])
@pytest.mark.parametrize("form", [CellFormat(), CellFormat(("-3", "2.5"), ",")], ids=["", ","])
def test_reading_several_lists_equals_reading_each_column(kind, form):
    def read(columns):
        try:
            table = as_table(columns, cells=form, types=dict.fromkeys(columns, kind))
        except DataError as error:
            return str(error)
        return {name: (column.dtype, *column.tolist()) for name, column in table.columns.items()}

    def shown(cells):
        column = np.empty(len(cells), object)
        column[:] = cells
        return repr(read({"a": cells})), repr(read({"a": column}))

    for cells in ODD_COLUMNS:
        in_list, in_array = shown(cells)
        assert in_list == in_array
        both = read({"a": cells, "b": ["1", "0", "1"]})
        alone = read({"a": cells}), read({"b": ["1", "0", "1"]})
        assert repr(both) == repr(
            alone[0] if isinstance(alone[0], str) else {**alone[0], **alone[1]}
        )
