"""Prediction files, read back with common libraries."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from declnet.errors import DataError
from declnet.runs.inference import prediction_files as csv_file
from declnet.runs.inference.prediction_files import write_predictions
from declnet.runs.inference.predictions import Predictions
from declnet.runs.storage.writing import whole_file

NAMES = (
    "plain",
    'with "marks", and comma',
    "two\nlines",
    "",
    " spaced ",
    "1.5",
    "ünï",
    "=2+3",
    "@a",
    "-b",
)


def parts(count=3, rows=10):
    """Return chunks of predictions with full-precision probabilities, even tiny ones."""
    rng = np.random.default_rng(1)
    for part in range(count):
        labels = rng.permutation(len(NAMES))[: rows - part]
        outputs = rng.random((len(labels), len(NAMES))).astype(np.float32) ** 20
        yield Predictions(np.array(NAMES, object)[labels], outputs, NAMES, outputs)


def test_numbers_of_several_outputs_have_a_column_each():
    y = np.arange(12.0).reshape(3, 2, 2)
    columns = Predictions(y, None, None, y, lower=y - 1, upper=y + 1, spread=y / 2).columns()
    cells = {name: column.tolist() for name, column in columns.items()}
    assert cells == {
        f"{name}_{index + 1}": change(y.reshape(3, 4)[:, index]).tolist()
        for name, change in (
            ("prediction", lambda y: y),
            ("lower", lambda y: y - 1),
            ("upper", lambda y: y + 1),
            ("spread", lambda y: y / 2),
        )
        for index in range(4)
    }
    one = Predictions(y[:, 0, 0], None, None, y[:, 0, :1], spread=y[:, 0, :1])
    assert {name: column.shape for name, column in one.columns().items()} == {
        "prediction": (3,),
        "spread": (3,),
    }


WHOLE = list(parts())
SAID = [label for part in WHOLE for label in part.prediction]
OUTPUTS = np.concatenate([part.outputs for part in WHOLE])
COLUMNS = ["prediction", *(f"probability_{name}" for name in NAMES)]


def require_whole(lines):
    """Require all predictions in the lines of a table, whose first line has the names."""
    columns, *rows = lines
    assert columns == COLUMNS
    assert [row[0] for row in rows] == SAID
    assert np.array_equal(np.array([row[1:] for row in rows], np.float32), OUTPUTS)


@pytest.mark.parametrize("polars", [True, False])
def test_csv_reads_back_to_the_bit(polars, monkeypatch):
    if polars:
        pytest.importorskip("polars", reason="the extra data is not installed")
    monkeypatch.setattr(csv_file, "has_polars", lambda: polars)
    file = io.BytesIO()
    assert write_predictions(parts(), file, "csv") == len(SAID)
    require_whole(csv.reader(io.StringIO(file.getvalue().decode(), newline="")))


def test_json_lines_read_back_to_the_bit():
    file = io.BytesIO()
    assert write_predictions(parts(), file, "jsonl") == len(SAID)
    rows = [json.loads(line) for line in file.getvalue().decode().split("\n")[:-1]]
    assert [list(row) for row in rows] == [COLUMNS] * len(SAID)
    require_whole([COLUMNS, *(list(row.values()) for row in rows)])


def test_json_has_no_infinity():
    values = np.array([1.5, np.inf, -np.inf, np.nan])
    file = io.BytesIO()
    write_predictions([Predictions(values, None, None, values[:, None])], file, "jsonl")
    rows = [json.loads(line)["prediction"] for line in file.getvalue().splitlines()]
    assert rows == [1.5, None, None, None]


def test_other_types_of_classes_keep_their_type():
    for classes, words in (((False, True), ["true", "false"]), ((3, 8), ["8", "3"])):
        said = np.array(classes)[[1, 0]]
        part = Predictions(said, None, ("a", "b"), np.zeros((2, 1)))
        file = io.BytesIO()
        write_predictions([part], file, "jsonl")
        assert [json.loads(line)["prediction"] for line in file.getvalue().splitlines()] == list(
            said
        )
        file = io.BytesIO()
        write_predictions([part], file, "csv")
        assert file.getvalue().decode().split() == ["prediction", *words]


@pytest.mark.parametrize("shape", [(), (4,), (2, 3, 1)])
def test_npy_reads_back_to_the_bit(shape):
    outputs = np.random.default_rng(3).normal(size=(1234, *shape)).astype(np.float32)
    cut = [outputs[at : at + 100] for at in range(0, 1234, 100)]
    file = io.BytesIO()
    parted = (Predictions(part, None, None, part) for part in cut)
    assert write_predictions(parted, file, "npy") == 1234
    file.seek(0)
    assert np.array_equal(np.load(file, allow_pickle=False), outputs)


def test_parquet_reads_back_to_the_bit(tmp_path):
    polars = pytest.importorskip("polars", reason="the extra data is not installed")
    with (tmp_path / "p.parquet").open("wb") as file:
        assert write_predictions(parts(), file, "parquet") == len(SAID)
    frame = polars.read_parquet(tmp_path / "p.parquet")
    require_whole([frame.columns, *frame.rows()])


def failing():
    yield WHOLE[0]
    raise DataError("row 9 is wrong")


@pytest.mark.parametrize("form", csv_file.FORMS)
def test_an_error_leaves_no_file(form, tmp_path):
    if form == "parquet":
        pytest.importorskip("polars", reason="the extra data is not installed")
    with (
        pytest.raises(DataError, match=r"^row 9 is wrong$"),
        whole_file(tmp_path / "out", force=False) as file,
    ):
        write_predictions(failing(), file, form)
    assert list(tmp_path.iterdir()) == []
