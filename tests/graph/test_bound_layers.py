"""`BoundLayers`: calling layers one by one gives the model's outputs and each layer's gradients."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import BoundLayers, ModelSpec, build_model

LAYERS = [
    {"type": "conv2d", "filters": 2, "kernel_size": 3},
    "batch_norm",
    "relu",
    "flatten",
    {"type": "dense", "units": 3},
    {"type": "dropout", "rate": 0.5},
    "tanh",
]


@pytest.fixture
def layers():
    declared = {"dtype": "float64", "layers": LAYERS}
    model = build_model(ModelSpec.model_validate(declared, context={}), (1, 6, 6), seed=3)
    x = np.random.default_rng(0).normal(size=(5, 1, 6, 6))
    return model, x


def test_outputs_equal_the_models(layers):
    model, x = layers
    bound = BoundLayers(model, {"": x})
    np.testing.assert_allclose(bound.outputs[-1], model.predict(x), rtol=1e-12)


def test_a_call_repeats_its_random_numbers_and_follows_changed_parameters(layers):
    model, x = layers
    bound = BoundLayers(model, {"": x}, training=True)
    before = [output.copy() for output in bound.outputs]
    assert bound.random == {5}
    for index, output in enumerate(before):
        np.testing.assert_array_equal(bound.forward(index), output)
    bound.parameters["dense_1.biases"][...] = 7.0
    assert (bound.forward(4) > before[4]).all()
    assert (model.parameters()["dense_1.biases"] == 0).all()


def test_backward_returns_the_gradients_of_a_layer(layers):
    model, x = layers
    bound = BoundLayers(model, {"": x})
    dy = np.random.default_rng(1).normal(size=(5, 3))
    gradients, (dx,) = bound.backward(4, dy)
    np.testing.assert_allclose(gradients["weights"], bound.outputs[3].T @ dy)
    np.testing.assert_allclose(gradients["biases"], dy.sum(axis=0))
    np.testing.assert_allclose(dx, dy @ model.parameters()["dense_1.weights"].T)
