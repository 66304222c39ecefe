"""add, multiply and concatenate in whole models: branches, and the sum of their gradients."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet import SpecError

X = np.random.default_rng(1).normal(size=(6, 2))


def model(*layers):
    document = {"dtype": "float64", "layers": list(layers)}
    return declnet.build_model(declnet.ModelSpec.model_validate(document), (2,), seed=3)


def dense(name, units, **more):
    return {"type": "dense", "units": units, "name": name, **more}


def test_a_residual_block_adds_its_input():
    block = model(dense("a", 2), {"type": "add", "inputs": ["input", "a"]})
    weights = block.parameters()
    np.testing.assert_allclose(block.predict(X), X + X @ weights["a.weights"], rtol=1e-13)


def test_multiply_gates():
    gate = model(
        dense("a", 3),
        dense("b", 3, inputs=["input"]),
        {"type": "multiply", "inputs": ["a", "b", "a"]},
    )
    a, b = (X @ gate.parameters()[f"{name}.weights"] for name in "ab")
    np.testing.assert_allclose(gate.predict(X), a * b * a, rtol=1e-13)


def test_concatenate_joins_features_in_order():
    joined = model(dense("a", 3), {"type": "concatenate", "inputs": ["a", "input"]})
    a = X @ joined.parameters()["a.weights"]
    np.testing.assert_allclose(joined.predict(X), np.hstack([a, X]), rtol=1e-13)


def test_an_axis_that_samples_lack_is_refused():
    with pytest.raises(SpecError, match="axis 1 is not in samples"):
        model(dense("a", 3), {"type": "concatenate", "inputs": ["a", "input"], "axis": 1})
