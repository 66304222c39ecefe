"""Whole models in ONNX, compared with declnet by onnxruntime on real rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from declnet import ExportError

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

SPECS = Path(__file__).parents[3] / "specs"
LARGEST = 5e-6
"""The largest difference, as a share of the largest prediction."""

SOFTMAX = [{"type": "dense", "units": 4}, "relu", {"type": "dense", "units": 3}, "softmax"]
SIGMOID = [{"type": "dense", "units": 4}, "tanh", {"type": "dense", "units": 1}, "sigmoid"]
VALUE = [{"type": "dense", "units": 8}, "gelu", {"type": "dense", "units": 1}]

ROWS = {
    "size": np.array([71.5, np.nan]),
    "rooms": np.array([3, 4]),
    "city": np.array(["Ulm", ""], object),
    "garden": np.array([True, False]),
    "age": np.array([np.nan, 12.0]),
}
"""Two rows of the table as onnxruntime takes them."""


def session_of(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def names_and_types(values):
    return {each.name: (each.type.removeprefix("tensor(")[:-1], each.shape) for each in values}


def test_a_table_becomes_labels_and_probabilities(trained, tmp_path):
    result = trained("rating", SOFTMAX, "categorical_crossentropy").export(tmp_path / "m.onnx")
    assert result.samples == 24  # the validation data
    assert result.difference < LARGEST
    session = session_of(tmp_path / "m.onnx")
    assert names_and_types(session.get_inputs()) == {
        "size": ("double", ["n"]),
        "rooms": ("int64", ["n"]),
        "city": ("string", ["n"]),
        "garden": ("bool", ["n"]),
        "age": ("double", ["n"]),  # its gaps are imputed
    }
    assert names_and_types(session.get_outputs()) == {
        "label": ("int64", ["n"]),
        "probabilities": ("float", ["n", 3]),
    }
    for rows in (slice(None), slice(1), slice(0)):
        given = {name: each[rows] for name, each in ROWS.items()}
        label, probabilities = session.run(None, given)
        assert len(label) == len(probabilities) == len(given["size"])
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_array_equal(label, probabilities.argmax(axis=1))


def test_the_file_says_what_it_is(trained, tmp_path):
    stored = trained("sold", SIGMOID, "binary_crossentropy")
    stored.export(tmp_path / "m.onnx")
    session = session_of(tmp_path / "m.onnx")
    known = session.get_modelmeta().custom_metadata_map
    (output,) = json.loads(known["outputs"])
    assert output["classes"] == ["no", "yes"]
    assert known["spec"] == stored.manifest["spec"]
    assert known["declnet"] == stored.manifest["declnet"]
    assert session.get_modelmeta().producer_name == "declnet"
    label, probabilities = session.run(None, ROWS)
    assert set(label) <= {"no", "yes"}
    assert probabilities.shape == (2, 2)


@pytest.mark.parametrize("target", ["price", "sold", "rating"])
@pytest.mark.parametrize("opset", [17, 21])
def test_each_opset_gives_the_same_numbers(target, opset, trained, tmp_path):
    layers = {"price": VALUE, "sold": SIGMOID, "rating": SOFTMAX}[target]
    losses = {"sold": "binary_crossentropy", "rating": "categorical_crossentropy"}
    stored = trained(target, layers, losses.get(target, "huber"))
    result = stored.export(tmp_path / "m.onnx", options={"opset": opset})
    assert result.difference < LARGEST
    assert f"opset {opset}" in result.notes[0]


@pytest.mark.parametrize("opset", [16, 22])
def test_an_opset_out_of_range_is_refused(opset, trained, tmp_path):
    stored = trained("price", VALUE, "huber")
    with pytest.raises(ExportError, match="opset"):
        stored.export(tmp_path / "m.onnx", options={"opset": opset})


def test_all_kinds_of_preparation_are_within_the_graph(trained, tmp_path):
    prepare = [
        {"type": "missing_indicator", "columns": ["age"]},
        {"type": "impute", "columns": ["age"], "strategy": "median"},
        {"type": "impute", "columns": ["size"]},
        {"type": "quantile_normal", "columns": ["size"], "noise": 0.0},
        {"type": "quantile", "columns": ["rooms"], "distribution": "uniform"},
        {"type": "group_rare", "columns": ["city"], "min_count": 25},
        {"type": "impute", "columns": ["city"], "strategy": "constant", "value": "nowhere"},
        {"type": "signed_one_hot", "columns": ["city", "garden"]},
    ]
    targets = {"prepare_targets": {"price": ["log", "quantile"]}}
    stored = trained("price", VALUE, "mean_squared_error", prepare, targets)
    result = stored.export(tmp_path / "m.onnx")
    assert result.difference < LARGEST
    (values,) = session_of(tmp_path / "m.onnx").run(None, ROWS)
    assert (values > 1000).all()  # in the unit of the price


CALIBRATED = {
    "classes": ("rating", SOFTMAX, "categorical_crossentropy", ["temperature", "conformal"]),
    "adaptive sets": (
        "rating",
        SOFTMAX,
        "categorical_crossentropy",
        [{"type": "conformal", "method": "aps"}],
    ),
    "binary": (
        "sold",
        SIGMOID,
        "binary_crossentropy",
        ["temperature", {"type": "threshold", "metric": "f1"}, "conformal"],
    ),
    "values": ("price", VALUE, "mean_absolute_error", ["conformal"]),
    "logarithms": (
        "price",
        VALUE,
        "mean_absolute_error",
        [{"type": "conformal", "scale": "log", "shift": 1.0}],
    ),
}


@pytest.mark.parametrize("case", CALIBRATED)
def test_calibration_is_within_the_graph(case, trained, tmp_path):
    target, layers, loss, steps = CALIBRATED[case]
    stored = trained(target, layers, loss, calibration={"steps": steps})
    assert stored.export(tmp_path / "m.onnx").difference < LARGEST
    found = dict(zip_outputs(tmp_path / "m.onnx", ROWS))
    own = stored.predictor().predict(listed(ROWS))
    for name, wanted in (("lower", own.lower), ("upper", own.upper), ("sets", own.sets)):
        assert (name in found) == (wanted is not None)
        if wanted is not None:
            np.testing.assert_allclose(found[name].astype(float), wanted, rtol=1e-5)


def zip_outputs(path, rows):
    session = session_of(path)
    names = [each.name for each in session.get_outputs()]
    return zip(names, session.run(names, rows), strict=True)


def listed(rows):
    return {
        name: [None if each in ("",) or each != each else each for each in column.tolist()]
        for name, column in rows.items()
    }


def test_folds_are_averaged_in_one_graph(trained, tmp_path):
    data = {"folds": 3, "validation": None}
    stored = trained("sold", SIGMOID, "binary_crossentropy", data=data)
    result = stored.export(tmp_path / "m.onnx")
    assert result.difference < LARGEST
    label, probabilities = session_of(tmp_path / "m.onnx").run(None, ROWS)
    np.testing.assert_array_equal(label == "yes", probabilities[:, 1] > 0.5)


def test_what_declnet_refuses_the_runtime_refuses(trained, tmp_path):
    prepare = [
        {"type": "impute", "columns": ["size", "age", "city"], "strategy": "most_frequent"},
        "standardize",
        {"type": "one_hot", "unknown": "error"},
    ]
    trained("price", VALUE, "huber", prepare).export(tmp_path / "m.onnx")
    session = session_of(tmp_path / "m.onnx")
    session.run(None, ROWS)
    with pytest.raises(Exception, match="out of data bounds"):
        session.run(None, ROWS | {"city": np.array(["Ulm", "Rome"], object)})


def test_characters_cannot_be_split_which_the_error_says(trained, tmp_path):
    prepare = [
        {"type": "impute", "columns": ["city"], "strategy": "constant", "value": "x"},
        {"type": "tokenize", "columns": ["city"], "unit": "characters"},
    ]
    layers = [
        {"type": "embedding", "units": 2},
        {"type": "mean_over_time", "inputs": ["embedding_1", "input.lengths"]},
        {"type": "dense", "units": 1},
    ]
    stored = trained("price", layers, "huber", prepare, {}, only="city")
    with pytest.raises(ExportError, match="characters"):
        stored.export(tmp_path / "m.onnx")
