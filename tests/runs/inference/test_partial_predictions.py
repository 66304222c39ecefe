"""Rows that cannot be predicted are left empty; predicted alone, the same rows are errors."""

from __future__ import annotations

import io
import json
import sqlite3
from contextlib import closing

import numpy as np
import pytest

import declnet
from declnet import DataError, OutputError, as_table, parse_spec, run, write_predictions
from declnet.contracts.network.inputs import wrapped
from declnet.runs.inference.predictions import prediction_columns
from declnet.runs.inference.predictor import Predictor
from declnet_plugins.standard.data.sql import SQL
from tests.odd_rows import (
    PREPARE,
    SPEC,
    csv_text,
    json_lines,
    json_rows,
    odd_rows,
    text,
    training_file,
)

COUNT = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return training_file(tmp_path_factory.mktemp("odd") / "train.csv").parent


def data_of(folder, **more):
    train = {"type": "csv", "path": str(folder / "train.csv"), "target": "label"}
    return {"train": train, "prepare": PREPARE, **more}


@pytest.fixture(scope="module", params=["one", "calibrated", "folds", "losses"])
def predictor(request, folder):
    document = {**SPEC, "data": data_of(folder)}
    if request.param in ("calibrated", "folds"):
        document["calibration"] = {"steps": ["temperature", "conformal"]}
        document["data"] = data_of(folder, validation=0.4)
    if request.param == "folds":
        document["data"] = data_of(folder, folds=2)
        return declnet.run(parse_spec(document), out=folder / "folds").predictor
    if request.param == "losses":
        del document["loss"]
        loss = {"type": "categorical_crossentropy", "output": "softmax_1"}
        document["losses"] = {"label": loss}
    run(parse_spec(document), out=folder / request.param)
    return declnet.load_predictor(folder / request.param)


ROWS = odd_rows(COUNT)


@pytest.fixture(scope="module")
def alone(predictor):
    """Return the prediction of each row alone, or its error."""

    def predicted(row):
        try:
            return predictor.predict([row])
        except DataError as error:
            return error

    results = [predicted(row) for row in ROWS]
    refused = sum(isinstance(result, DataError) for result in results)
    assert 10 < refused < COUNT - 10
    return results


def texts():
    return [{name: text(value) for name, value in row.items()} for row in ROWS]


def by_column(rows):
    return {name: [row[name] for row in rows] for name in rows[0]}


def frame(library):
    module = pytest.importorskip(library)
    return module.DataFrame(by_column(texts()))


def written(name, content):
    def write(path):
        (path / name).write_text(content(ROWS))
        return path / name

    return write


def parquet(path):
    frame("polars").write_parquet(path / "rows.parquet")
    return path / "rows.parquet"


def sql(path):
    sqlalchemy = pytest.importorskip("sqlalchemy")
    url = f"sqlite:///{path / 'rows.db'}"
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as database:
        frame("pandas").to_sql("cells", database)
    return SQL(url=url, query="SELECT * FROM cells")


FORMS = {
    "rows": lambda _: ROWS,
    "columns of text": lambda _: by_column(texts()),
    "table of text": lambda _: as_table(by_column(texts())),
    "pandas": lambda _: frame("pandas"),
    "polars": lambda _: frame("polars"),
    "csv": written("rows.csv", csv_text),
    "json lines": written("rows.jsonl", json_lines),
    "parquet": parquet,
    "sql": sql,
}


@pytest.mark.parametrize("samples", [7, 1000])
@pytest.mark.parametrize("form", FORMS)
def test_the_refused_rows_are_empty(form, samples, predictor, alone, tmp_path, monkeypatch):
    monkeypatch.setattr(Predictor, "samples_in_part", samples)
    data = FORMS[form](tmp_path)
    if form in ("csv", "json lines", "parquet", "sql"):
        parts = list(predictor.predict_parts(data, ["size"], spread=True, on_error="empty"))
    elif samples > COUNT:
        parts = [predictor.predict(data, on_error="empty")]
    else:
        return
    columns = [prediction_columns(part) for part in parts]
    joined = {name: np.concatenate([part[name] for part in columns]) for name in columns[0]}
    prefix = "label_" if "label_prediction" in joined else ""
    for at, expected in enumerate(alone):
        error = joined["error"][at]
        if isinstance(expected, DataError):
            assert error == expected.message.replace("row 1,", f"row {at + 1},", 1)
            assert {str(joined[name][at]) for name in joined if name not in ("error", "size")} <= {
                "None", "nan",
            }  # fmt: skip
        else:
            assert error is None
            for name, column in prediction_columns(expected).items():
                got, value = joined[name][at], column[0]
                same = got == value if isinstance(value, str) else np.isclose(got, value, atol=1e-6)
                assert same, name
    assert joined[f"{prefix}prediction"].dtype == object


def write_json(rows, path):
    (path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path / "rows.jsonl"


def write_sql(rows, path):
    pytest.importorskip("sqlalchemy")
    with closing(sqlite3.connect(path / "rows.db")) as database, database:
        database.execute(f"CREATE TABLE cells ({', '.join(rows[0])})")
        marks = ", ".join("?" * len(rows[0]))
        database.executemany(f"INSERT INTO cells VALUES ({marks})", [[*r.values()] for r in rows])
    return SQL(url=f"sqlite:///{path / 'rows.db'}", query="SELECT * FROM cells")


@pytest.mark.parametrize("samples", [7, 1000])
@pytest.mark.parametrize(
    ("write", "values"), [(write_json, ([1.5], {"a": 1}, [], "\ud800")), (write_sql, (b"blob",))]
)
def test_a_value_that_is_not_a_cell_is_an_error_of_its_row(
    write, values, samples, predictor, tmp_path, monkeypatch
):
    monkeypatch.setattr(Predictor, "samples_in_part", samples)
    rng, rows = np.random.default_rng(1), json_rows(odd_rows(40, seed=1))
    rows = [
        {"id": f"r{at}"} | {n: float(v) if type(v) in (bool, int) else v for n, v in row.items()}
        for at, row in enumerate(rows)
    ]
    for row in rows[3::4]:
        row[rng.choice([*row])] = values[rng.integers(len(values))]
    data = write(rows, tmp_path)
    with pytest.raises(DataError, match=r"row \d+, column"):
        list(predictor.predict_parts(data, ["id"]))
    parts = [*predictor.predict_parts(data, ["id"], on_error="empty")]
    columns = [prediction_columns(part) for part in parts]
    joined = {name: np.concatenate([part[name] for part in columns]) for name in columns[0]}
    for at, row in enumerate(rows):
        error = joined["error"][at]
        if row["id"] != f"r{at}":
            assert joined["id"][at] is None
            assert error.startswith(f'row {at + 1}, column "id" is ')
            continue
        (alone,) = wrapped(predictor.predict([row], on_error="empty")).values()
        expected = None if not alone.errors else alone.errors[0].message
        assert error == (expected and expected.replace("row 1,", f"row {at + 1},", 1))
        assert joined["id"][at] == row["id"]


@pytest.mark.parametrize("bad", [10, 20])
@pytest.mark.parametrize("classes", [[3, 8], [False, True], ["a", "b"]])
@pytest.mark.parametrize("named", [False, True])
def test_the_types_of_a_parquet_file_are_those_of_the_training_data(
    named, classes, bad, tmp_path, monkeypatch
):
    polars = pytest.importorskip("polars")
    monkeypatch.setattr(Predictor, "samples_in_part", 4)
    columns = {"size": np.arange(20.0), "count": np.arange(20), "new": np.arange(20) % 3 == 0}
    label = np.array(classes, object if isinstance(classes[0], str) else None)[np.arange(20) % 2]
    document = dict(SPEC)
    if named:
        document["losses"] = {"label": {"type": document.pop("loss"), "output": "softmax_1"}}
    data = declnet.Table({**columns, "label": label}, "label")
    predictor = run(parse_spec(document), data=data).predictor
    rows = [{name: column[at].item() for name, column in columns.items()} for at in range(20)]
    for row in rows[:bad]:
        row["size"] = "?!"
    path = write_json(rows, tmp_path)
    with (tmp_path / "p.parquet").open("wb") as file:
        parts = predictor.predict_parts(path, ["count", "new"], on_error="empty")
        assert write_predictions(parts, file, "parquet") == 20
    frame = polars.read_parquet(tmp_path / "p.parquet")
    kind = {int: polars.Int64, bool: polars.Boolean, str: polars.String}[type(classes[0])]
    prediction = frame["label_prediction" if named else "prediction"]
    assert (prediction.dtype, frame["error"].dtype) == (kind, polars.String)
    assert (frame["count"].dtype, frame["new"].dtype) == (polars.Int64, polars.Boolean)
    assert prediction[:bad].is_null().all()
    assert set(prediction[bad:]) <= set(classes)
    assert frame["count"][bad:].to_list() == [*range(bad, 20)]


def test_an_integer_column_is_not_cut_in_a_parquet_file(tmp_path):
    pytest.importorskip("polars")
    x = {"count": np.arange(20), "label": np.arange(20) % 2}
    predictor = run(parse_spec(SPEC), data=declnet.Table(x, "label")).predictor
    path = write_json([{"count": 1}, {"count": 1.5}], tmp_path)
    with pytest.raises(OutputError, match=r'^column "count" has 1.5, but in the training data'):
        write_predictions(predictor.predict_parts(path, ["count"]), io.BytesIO(), "parquet")


def test_good_rows_have_no_errors(predictor):
    rows = odd_rows(20, share=0)
    prediction = predictor.predict(rows, on_error="empty")
    assert [output.errors for output in wrapped(prediction).values()] == [{}]
    same = predictor.predict(rows)
    assert [output.errors for output in wrapped(same).values()] == [None]
    columns = prediction_columns(prediction)
    assert not columns.pop("error").any()
    for name, column in prediction_columns(same).items():
        np.testing.assert_array_equal(columns[name], column)


def test_all_rows_may_be_refused(predictor):
    rows = [{**row, "income": -1} for row in odd_rows(9, share=0)]
    columns = prediction_columns(predictor.predict(rows, on_error="empty"))
    good = prediction_columns(predictor.predict(odd_rows(3, share=0), on_error="empty"))
    assert columns.keys() == good.keys()
    assert all(text.startswith("row ") for text in columns["error"])


class Unnumbered(declnet.DataSource):
    """Parts of a table, or of arrays, that do not number their samples."""

    type = "unnumbered"
    is_table: bool = True

    def load(self, rng):
        raise NotImplementedError

    def chunks(self, rng, samples):
        for start in range(0, 12, 4):
            x = np.where(np.arange(start, start + 4) == 9, np.inf, 1.0)
            yield declnet.Table({"a": x}) if self.is_table else declnet.Dataset(x[:, None], x)


@pytest.mark.parametrize("on_error", ["fail", "empty"])
@pytest.mark.parametrize("is_table", [True, False])
def test_samples_without_numbers_are_counted_over_all_parts(is_table, on_error):
    x, y = np.arange(20.0), np.arange(20) % 2
    data = declnet.Table({"a": x, "y": y}, "y") if is_table else (x[:, None], y)
    predictor = run(parse_spec(SPEC), data=data).predictor
    parts = predictor.predict_parts(Unnumbered(is_table=is_table), on_error=on_error)
    named = "row 10" if is_table else "sample 10"
    if on_error == "fail":
        with pytest.raises(DataError, match=rf"\b{named}\b"):
            list(parts)
        return
    errors = [{**part.errors} for part in parts]
    assert [[*part] for part in errors] == [[], [], [1]]
    assert named in errors[2][1].message
    assert errors[2][1].row == 10


@pytest.mark.parametrize("data", [{"size": [1.0]}, [{"size": 1, "color": "red"}]])
def test_errors_of_the_whole_data_remain_errors(data, predictor):
    with pytest.raises(DataError, match="there is no column"):
        predictor.predict(data, on_error="empty")


@pytest.mark.parametrize("named", [False, True])
def test_samples_of_arrays(named):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)).astype("float32"), rng.integers(0, 2, 40)
    layers = [{"type": "dense", "units": 2}, "softmax"]
    model = (
        {"layers": layers}
        if not named
        else {"layers": [{"type": "concatenate", "inputs": ["input.a", "input.b"]}, *layers]}
    )
    features = {"a": x, "b": x[:, :1]} if named else x
    predictor = run(parse_spec({**SPEC, "model": model}), data=(features, y)).predictor
    x = x.copy()
    x[[3, 17], 1] = np.nan, 1e38
    x[17, 0] = -3e38
    features = {"a": x, "b": x[:, :1]} if named else x
    result = predictor.predict(features, on_error="empty")
    assert 3 in result.errors
    assert result.errors.keys() <= {3, 17}
    assert result.errors[3].message.startswith("sample 4")
    good = [at for at in range(40) if at not in result.errors]
    assert np.isnan(result.outputs[3]).all()
    assert result.prediction[3] is None
    small = {k: v[good] for k, v in features.items()} if named else features[good]
    np.testing.assert_allclose(result.outputs[good], predictor.predict(small).outputs, rtol=1e-6)


def test_forecasts_are_refused():
    columns = {"t": np.arange(40.0), "y": np.arange(40.0)}
    document = {
        **SPEC,
        "model": {"layers": ["flatten", {"type": "dense", "units": 1}]},
        "loss": "mean_squared_error",
        "data": {"windows": {"past": 3, "horizon": 1}},
    }
    predictor = run(parse_spec(document), data=declnet.Table(columns, "y")).predictor
    with pytest.raises(DataError, match="a forecast is made from several rows"):
        predictor.predict(columns, on_error="empty")
