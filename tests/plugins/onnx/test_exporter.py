"""Whole models in ONNX, compared with declnet by onnxruntime on real rows."""

from __future__ import annotations

import json

import numpy as np
import pytest

from declnet_plugins.exchange import ExportError, export

from ..export.houses import trained

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

LARGEST = 5e-6
"""The largest difference, as a share of the largest prediction."""

ROWS = {
    "size (m²)": np.array([71.5, np.nan]),
    "rooms": np.array([3, 4]),
    "city": np.array(["Ulm", ""], object),
    "garden": np.array([True, False]),
    "age": np.array([np.nan, 12.0]),
}
"""Two rows of the table as onnxruntime takes them."""


def session_of(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def names_and_types(values):
    return {value.name: (value.type.removeprefix("tensor(")[:-1], value.shape) for value in values}


def test_a_table_becomes_labels_and_probabilities(tmp_path):
    stored = trained(tmp_path)
    result = export(stored, tmp_path / "m.onnx")
    assert result.samples == 24  # the validation data
    assert result.difference < LARGEST
    session = session_of(tmp_path / "m.onnx")
    assert names_and_types(session.get_inputs()) == {
        "size (m²)": ("double", ["n"]),
        "rooms": ("int64", ["n"]),
        "city": ("string", ["n"]),
        "garden": ("bool", ["n"]),
        "age": ("double", ["n"]),  # its gaps are imputed
    }
    assert names_and_types(session.get_outputs()) == {
        "label": ("int64", ["n"]),
        "probabilities": ("float", ["n", 3]),
        "valid": ("bool", ["n"]),
    }
    for rows in (slice(None), slice(1), slice(0)):
        feeds = {name: x[rows] for name, x in ROWS.items()}
        label, probabilities, valid = session.run(None, feeds)
        assert valid.all()
        assert len(label) == len(probabilities) == len(ROWS["age"][rows])
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_array_equal(label, probabilities.argmax(axis=1))
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata["spec"] == stored.manifest.spec
    assert metadata["declnet"] == stored.manifest.declnet
    for opset in (16, 22):
        with pytest.raises(ExportError, match="opset"):
            export(stored, tmp_path / "other.onnx", options={"opset": opset})


def test_folds_are_averaged_in_one_graph(tmp_path):
    layers = [{"type": "dense", "units": 4}, "tanh", {"type": "dense", "units": 1}, "sigmoid"]
    data = {"folds": 3, "validation": None}
    stored = trained(tmp_path, "sold", layers, "binary_crossentropy", data=data)
    assert export(stored, tmp_path / "m.onnx").difference < LARGEST
    session = session_of(tmp_path / "m.onnx")
    label, probabilities, _ = session.run(None, ROWS)
    np.testing.assert_array_equal(label == "yes", probabilities[:, 1] > 0.5)
    (output,) = json.loads(session.get_modelmeta().custom_metadata_map["outputs"])
    assert output["classes"] == ["no", "yes"]
