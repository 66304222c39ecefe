"""Exported files say for each row whether declnet would predict it."""

from __future__ import annotations

import json
import runpy
import shutil

import numpy as np
import pytest

from declnet import Table, default_registry, load_predictor, open_run, parse_spec, run
from declnet.testing import Subject
from declnet_plugins.exchange import export
from declnet_plugins.exchange.checks.translations import refuses_what_its_transforms_refuse
from declnet_plugins.export.c99.compiled import CompiledProgram
from tests.odd_rows import GOOD, PREPARE, SPEC, csv_text, json_rows, odd_rows, training_file

COUNT = 300

TYPED = {
    "size": [1.5, 0.0, -3.0, np.nan, np.inf, -np.inf, 1e300],
    "income": [1.0, 100.5, 0.0, -0.5, np.nan, np.inf, 1e-320],
    "count": [1, 2, 3, 4, -1, 10**12],
    "late": [True, False],
    "color": ["red", " red ", "blue\t", "", "null", " NA", None, "green", "Red", "re"],
    "day": ["2024-01-31", " 2024-03-01 ", "", "?", "2024-02-31", "31.1.2024", "soon", None],
    "price": [1250.5, 7.0, np.nan, -np.inf],
}
"""Cells in the types of the training data: some formats have no text in columns of numbers."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run on a table with every kind of cell."""
    folder = tmp_path_factory.mktemp("cells")
    train = {"type": "csv", "path": str(training_file(folder / "train.csv")), "target": "label"}
    run(parse_spec({**SPEC, "data": {"train": train, "prepare": PREPARE}}), out=folder / "run")
    return folder


def file_predictor(folder, name):
    """Export the run; return a function from columns to labels and validity."""
    path = folder / name
    assert export(open_run(folder / "run"), path, force=True).labels_differ == 0
    if path.suffix == ".py":
        predict = runpy.run_path(str(path))["predict"]

        def run_python(columns):
            predictions = predict(columns)
            return predictions["prediction"], predictions["valid"]

        return run_python
    if path.suffix == ".c":
        program = CompiledProgram.of(path)

        def run_program(columns):
            predictions = program(columns)[""]
            return predictions.prediction, predictions.valid

        return run_program
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(path))

    def run_session(columns):
        """Prepare the columns as the description asks: strip texts and replace missing ones."""
        feeds = {
            name: np.array([(text or "").strip(" \t") for text in x], object)
            if x.dtype == object
            else x
            for name, x in columns.items()
        }
        return session.run(["label", "valid"], feeds)

    return run_session


def assert_alike(predicted, expected):
    prediction, valid = predicted
    refused = np.zeros(len(expected), bool)
    refused[list(expected.errors)] = True
    assert np.flatnonzero(np.asarray(valid, bool) == refused).tolist() == []
    assert 0.1 < refused.mean() < 0.9
    labels = np.asarray(prediction, object)[~refused]
    assert labels.tolist() == expected.prediction[~refused].tolist()


@pytest.mark.parametrize("suffix", [".py", ".onnx", ".c"])
def test_odd_rows_in_the_types_of_the_training_data(suffix, folder):
    if suffix == ".c" and not shutil.which("cc"):
        pytest.skip("no C compiler")
    if suffix == ".onnx":
        pytest.importorskip("onnx")
    rng = np.random.default_rng(5)
    columns = {}
    for name, cells in TYPED.items():
        odd = rng.random(COUNT) < 0.15
        picked = [cells[rng.integers(len(cells)) if o else 0] for o in odd]
        columns[name] = np.array(picked, object if isinstance(cells[0], str) else None)
    expected = load_predictor(folder / "run").predict(Table(columns), on_error="empty")
    assert_alike(file_predictor(folder, f"m{suffix}")(columns), expected)


def test_odd_cells_of_a_text_file(folder, tmp_path):
    """The Python file reads every cell as declnet does."""
    rows = odd_rows(COUNT, seed=1)
    predictor = load_predictor(folder / "run")
    expected = predictor.predict(rows, on_error="empty")
    predict = file_predictor(folder, "m.py")
    assert_alike(predict({name: [row[name] for row in json_rows(rows)] for name in GOOD}), expected)
    texts = dict.fromkeys(GOOD, ())
    header, *lines = csv_text(rows).splitlines()
    (tmp_path / "rows.csv").write_text("\n".join([header, *lines, ""]))
    read = runpy.run_path(str(folder / "m.py"))["read_csv"](str(tmp_path / "rows.csv"), texts)
    (from_csv,) = predictor.predict_parts(tmp_path / "rows.csv", on_error="empty")
    assert from_csv.errors.keys() == expected.errors.keys()
    assert_alike(predict(read), from_csv)


def test_the_description_says_what_the_caller_does_first(folder):
    onnx = pytest.importorskip("onnx")
    export(open_run(folder / "run"), folder / "m.onnx", force=True)
    metadata = {entry.key: entry.value for entry in onnx.load(folder / "m.onnx").metadata_props}
    inputs = {declared["name"]: declared for declared in json.loads(metadata["inputs"])}
    assert inputs["color"]["first"] == "remove spaces and tabs around the text"
    assert "first" not in inputs["size"]
    (output,) = json.loads(metadata["outputs"])
    assert output["valid"] == "valid"


@pytest.mark.parametrize("name", ["c_category", "c_datetime", "c_tokenize"])
def test_c_refuses_what_transforms_refuse(name):
    if not shutil.which("cc"):
        pytest.skip("no C compiler")
    registry = default_registry()
    translation = registry.find("translation", name)
    refuses_what_its_transforms_refuse(Subject(translation(), registry=registry))
