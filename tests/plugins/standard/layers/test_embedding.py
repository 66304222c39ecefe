"""embedding: rows of its weights, and integers all the way from the data."""

from __future__ import annotations

import numpy as np
import pytest

import declnet

RNG = np.random.default_rng(5)
WORDS = RNG.integers(0, 9, size=(40, 4)).astype("uint8")


def model_of(layer, inputs):
    spec = declnet.ModelSpec.model_validate({"dtype": "float64", "layers": [layer, "flatten"]})
    return declnet.build_model(spec, inputs)


EMBEDDING = {"type": "embedding", "categories": 9, "units": 3, "name": "words"}


def test_each_integer_gives_its_row():
    model = model_of(EMBEDDING, (4,))
    rows = model.parameters()["words.weights"]
    np.testing.assert_array_equal(model.predict(WORDS), rows[WORDS].reshape(40, 12))


def model_of_columns(levels, units=3, **fields):
    """Return a model of an embedding with a separate vocabulary for each column."""
    layer = {"type": "embedding", "units": units, "name": "own", **fields}
    info = declnet.InputInfo((len(levels),), "integer", tuple(levels))
    return model_of(layer, {"": info})


def test_each_column_has_separate_rows():
    levels = (3, 1, 4)
    model, x = model_of_columns(levels), RNG.integers(0, levels, size=(20, 3)).astype("uint8")
    rows = model.parameters()["own.weights"]
    assert rows.shape == (8, 3)
    np.testing.assert_array_equal(
        model.predict(x), np.hstack([rows[x[:, 0]], rows[3 + x[:, 1]], rows[4 + x[:, 2]]])
    )


def test_an_integer_out_of_its_own_vocabulary_is_named():
    with pytest.raises(ValueError, match="go from 1 to 2, but there are 2 categories, 0 to 1"):
        model_of_columns((3, 2)).predict([[2, 1], [0, 2]])
    with pytest.raises(ValueError, match="go from -1 to 0, but there are 3 categories"):
        model_of_columns((3, 2)).predict([[-1, 1], [0, 1]])


def test_explicit_categories_share_one_vocabulary_also_with_known_levels():
    layer = {"type": "embedding", "units": 3, "categories": 6, "name": "own"}
    info = declnet.InputInfo((2,), "integer", (3, 5))
    model = model_of(layer, {"": info})
    assert model.parameters()["own.weights"].shape == (6, 3)
