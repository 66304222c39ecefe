"""Planted faults are reported with their layer, in third-party layers too."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import Layer, Parameter, StepwiseTraining
from declnet.inspection.overfitting.overfit import overfit
from declnet.testing.examples import registry_with

from ..conftest import dense

ZEROS = {"weight_initializer": "zeros"}
LOW = {"bias_initializer": {"type": "constant", "value": -50.0}}


class Forgetful(Layer):
    """y = x @ weights, with a backward that omits the gradient of the weights."""

    type = "forgetful"

    def parameters(self, input_shape):
        return {"weights": Parameter((input_shape[0], input_shape[0]), initializer="he_normal")}

    def forward(self, x, y, state):
        np.matmul(x, state.weights, out=y)

    def backward(self, x, y, dy, dx, state):
        state.grad.weights[...] = 0
        if dx is not None:
            np.matmul(dy, state.weights.T, out=dx)


class Wall(Layer):
    """y = x, with a backward that propagates no gradient."""

    type = "wall"

    def forward(self, x, y, state):
        np.copyto(y, x)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            dx[...] = 0


@pytest.fixture
def registry():
    """The default registry with the layers above added."""
    return registry_with([Forgetful, Wall])


@pytest.mark.parametrize(
    ("hidden", "name", "reason", "help_"),
    [
        ([dense(**ZEROS), "relu"], "dense_1", "all its weights start as 0", "a random initializer"),
        (
            [dense(), "relu", dense(**ZEROS), "relu"],
            "dense_2",
            "all its weights start as 0",
            "a random initializer",
        ),
        ([dense(**LOW), "relu"], "relu_1", "all its units are dead", 'biases of "dense_1"'),
        (
            [dense(), "relu", dense(**LOW), "relu"],
            "relu_2",
            "all its units are dead",
            'biases of "dense_2"',
        ),
        (["forgetful", "relu"], "forgetful_1", "their gradient is always 0", "`forgetful`"),
        ([dense(), "relu", "forgetful", "relu"], "forgetful_1", "is always 0", "`forgetful`"),
        (
            [dense(), "relu", "wall", dense(), "relu"],
            "wall_1",
            'passes no gradient to the layers below, so "dense_1" never changes',
            "`wall`",
        ),
        ([dense(1), "relu"], "dense_1", "the narrowest hidden layer, with 1 output", "more units"),
        ([], "dense_1", "the only layer with parameters", "hidden layer"),
    ],
    ids=lambda value: str(value) if not isinstance(value, list) else "-",
)
def test_a_planted_fault_is_named(network, registry, hidden, name, reason, help_):
    result = overfit(StepwiseTraining(network(*hidden, registry=registry), registry), updates=600)
    fault = result.fault
    assert fault is not None
    assert (fault.name, result.layers[fault.layer].name) == (name, name)
    assert reason in fault.reason
    assert help_.replace("`", '"') in fault.help
