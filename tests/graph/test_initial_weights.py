"""Loading a part of a model from a file of weights."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from declnet import ModelSpec, SpecError, build_model

LAYERS = [
    {"type": "dense", "name": "encoder_1", "units": 4},
    {"type": "dense", "name": "encoder_2", "units": 4},
    {"type": "dense", "name": "head", "units": 3},
]
FILE = {
    "old_1.weights": np.full((2, 4), 1.0),
    "old_1.biases": np.full(4, 2.0),
    "encoder_2.weights": np.full((4, 4), 3.0),
    "encoder_2.biases": np.full(4, 4.0),
    "head.weights": np.full((4, 7), 5.0),
    "head.biases": np.full(7, 6.0),
}


@pytest.fixture
def model_with(tmp_path):
    save_file(FILE, tmp_path / "w.safetensors")

    def make(**table):
        declared = {"path": str(tmp_path / "w.safetensors"), **table}
        spec = {"dtype": "float64", "layers": LAYERS, "initial_weights": declared}
        return build_model(ModelSpec.model_validate(spec), (2,), seed=5)

    return make


@pytest.fixture
def fresh():
    spec = ModelSpec.model_validate({"dtype": "float64", "layers": LAYERS})
    return build_model(spec, (2,), seed=5)


def test_selected_parameters_are_loaded_and_the_others_initialized(model_with, fresh):
    model = model_with(only=["encoder_*"], rename={"old_*": "encoder_*"})
    loaded, expected = model.parameters(), fresh.parameters()
    expected["encoder_1.weights"] = FILE["old_1.weights"]
    expected["encoder_1.biases"] = FILE["old_1.biases"]
    expected |= {key: FILE[key] for key in FILE if key.startswith("encoder")}
    assert {key: array.tolist() for key, array in loaded.items()} == {
        key: array.tolist() for key, array in expected.items()
    }


@pytest.mark.parametrize(
    ("table", "message", "path"),
    [
        ({"only": ["encoder_3.*"]}, 'no parameter of the model matches "encoder_3.*"', ("only", 0)),
        (
            {"only": ["encoder_2.*", "encoder_1.*"]},
            'w.safetensors has no parameter of the model that matches "encoder_1.*"',
            ("only", 1),
        ),
        (
            {"only": ["encoder_2.*"], "rename": {"older_1.*": "encoder_1.*"}},
            'w.safetensors has no parameter that matches "older_1.*"',
            ("rename", "older_1.*"),
        ),
        ({}, "head.weights has shape (4, 7) in the file, but (4, 3) here", ("path",)),
        (
            {"only": ["*.biases"], "rename": {"old_1.*": "encoder_2.*"}},
            "encoder_2.weights and old_1.weights would both be encoder_2.weights",
            ("rename",),
        ),
        (
            {"only": ["encoder_2.*"], "rename": {"old_1.*": "*.*"}},
            '"*.*" has more * than "old_1.*"',
            ("rename", "old_1.*"),
        ),
        (
            {"rename": {"*": "not_here.*"}},
            "no parameter of the model is in w.safetensors",
            ("path",),
        ),
    ],
)
def test_weights_that_cannot_be_loaded_are_an_error(model_with, table, message, path):
    with pytest.raises(SpecError) as caught:
        model_with(**table)
    faults = {(problem.message, problem.path[2:]) for problem in caught.value.problems}
    assert (message, path) in faults
