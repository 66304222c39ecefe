"""Initial weights that do not fit the model."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file


@pytest.fixture
def weights(tmp_path, document):
    """Write the document's initial weights."""
    document["model"]["initial_weights"] = str(tmp_path / "w.safetensors")

    def write(**shapes):
        arrays = {name.replace("__", "."): np.zeros(shape) for name, shape in shapes.items()}
        save_file(arrays, tmp_path / "w.safetensors")

    return write


RIGHT = {
    "dense_1__weights": (2, 4),
    "dense_1__biases": (4,),
    "dense_2__weights": (4, 3),
    "dense_2__biases": (3,),
}


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        ({}, None),
        ({"other__biases": (3,)}, ["other.biases is not in the model"]),
        (
            {"dense_1__weights": (2, 9), "dense_2__biases": None},
            [
                "dense_1.weights has shape (2, 9), the model's has (2, 4)",
                "dense_2.biases is missing",
            ],
        ),
    ],
)
def test_weights_that_do_not_fit_are_reported_all_at_once(
    problems, document, weights, changes, messages
):
    weights(**{name: shape for name, shape in (RIGHT | changes).items() if shape is not None})
    found = problems(document)
    assert len(found) == (messages is not None)
    for message in messages or ():
        assert message in found[0]


def test_where_the_model_is_wrong_too_only_the_file_is_looked_at(check_wrong, document, weights):
    weights(other=(3,))
    document["model"]["layers"][0]["units"] = "many"
    assert [each.code for each in check_wrong(document).problems] == []
    document["model"]["initial_weights"] = "/absent.safetensors"
    assert [each.code for each in check_wrong(document).problems] == ["E050"]
