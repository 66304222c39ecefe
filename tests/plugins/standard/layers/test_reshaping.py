"""flatten and reshape: the same numbers in the same order, in every memory order."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet import SpecError

X = np.random.default_rng(2).normal(size=(5, 12))


def predictions(*layers, input_shape=(12,), x=X):
    document = {"dtype": "float64", "layers": list(layers)}
    return declnet.build_model(declnet.ModelSpec.model_validate(document), input_shape).predict(x)


def test_a_reshape_has_the_last_axis_fastest():
    np.testing.assert_array_equal(
        predictions({"type": "reshape", "shape": [3, -1]}), X.reshape(5, 3, 4)
    )


def test_flatten_undoes_it_behind_other_layers():
    layers = ("relu", {"type": "reshape", "shape": [2, 2, 3]}, "relu", "flatten")
    np.testing.assert_array_equal(predictions(*layers), np.maximum(X, 0))


@pytest.mark.parametrize("shape", [[5, 2], [-1, -1], [0, 12], [5, -1]])
def test_a_shape_that_does_not_fit_is_refused(shape):
    with pytest.raises(SpecError, match=r"do not fit|at least 1, or -1 once"):
        predictions({"type": "reshape", "shape": shape})
