"""embedding: rows of its weights, and integers all the way from the data."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet import ComponentError, SpecError

RNG = np.random.default_rng(5)
WORDS = RNG.integers(0, 9, size=(40, 4)).astype("uint8")
LABELS = (WORDS.sum(axis=1) % 2).astype(int)


def spec(*layers, **training):
    return declnet.parse_spec(
        {
            "model": {"dtype": "float64", "layers": list(layers)},
            "loss": "categorical_crossentropy",
            "optimizer": {"type": "adam", "learning_rate": 0.05},
            "training": {"epochs": 150, "log_every": 149, **training},
        }
    )


EMBEDDING = {"type": "embedding", "categories": 9, "units": 3, "name": "words"}
LAYERS = (EMBEDDING, "flatten", {"type": "dense", "units": 2}, "softmax")


def test_each_integer_gives_its_row():
    model = declnet.build_model(spec(EMBEDDING, "flatten").model, (4,))
    rows = model.parameters()["words.weights"]
    np.testing.assert_array_equal(model.predict(WORDS), rows[WORDS].reshape(40, 12))


@pytest.mark.parametrize("training", [{}, {"batch_size": 16}])
def test_a_model_with_an_embedding_learns(training):
    result = declnet.run(spec(*LAYERS, **training), (WORDS, LABELS))
    assert result.history[-1]["loss"] < 0.5 * result.history[0]["loss"]


def test_an_integer_out_of_range_is_named():
    with pytest.raises(ComponentError, match="go from 0 to 9, but there are 9 categories"):
        declnet.run(spec(*LAYERS), (WORDS + (WORDS == 8), LABELS))


def test_no_other_layer_may_read_the_integers_as_floats():
    layers = (EMBEDDING, "flatten", {"type": "dense", "units": 2, "inputs": ["input"]})
    add = {"type": "concatenate", "inputs": ["flatten_1", "dense_1"]}
    with pytest.raises(SpecError, match="as integers, but dense_1 as floats"):
        declnet.run(spec(*layers, add), (WORDS, LABELS))
