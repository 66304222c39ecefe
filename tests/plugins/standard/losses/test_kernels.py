"""Kernels of a last layer and a loss: which pairs they replace, and extreme numbers."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from declnet import default_registry
from declnet.graph.kernels import Kernels
from declnet.graph.model import Model
from declnet.graph.shapes import infer_network
from declnet.graph.training_graph import TrainingGraph
from declnet.spec.heads import Head
from declnet_plugins.standard.layers.activations import HardSigmoid, Linear, Sigmoid, Softmax
from declnet_plugins.standard.layers.dense import Dense
from declnet_plugins.standard.losses.classification import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    KLDivergence,
)
from declnet_plugins.standard.losses.kernels import SigmoidBinaryCrossentropy

from ....plain_arrays import run_kernel, run_loss

X = np.random.default_rng(4).normal(size=(9, 4))
LABELS = np.arange(9) % 3

BINARY = (SigmoidBinaryCrossentropy(), Sigmoid(), BinaryCrossentropy())


class OtherSoftmax(Softmax):
    """A subclass may compute something else."""

    type = "other_softmax"


def take_step(layers, loss, kernels):
    """Take one training step."""
    registry = default_registry()
    model = Model(infer_network(layers, (4,), registry), "float64")
    model.store.initialize(3, registry)
    y = np.eye(3)[LABELS]
    graph = TrainingGraph(model, [Head("", loss)], 9, 0, kernels)
    graph.step({"": X}, [loss.prepare(y, (3,), model.dtype)]).run()


@pytest.mark.parametrize(
    ("layers", "loss"),
    [
        ((Softmax(),), BinaryCrossentropy()),
        ((Softmax(),), KLDivergence()),
        ((OtherSoftmax(),), CategoricalCrossentropy()),
        ((Softmax(), Linear()), CategoricalCrossentropy()),
        ((Sigmoid(),), CategoricalCrossentropy()),
        ((HardSigmoid(),), BinaryCrossentropy()),
    ],
)
def test_others_are_not_joined(layers, loss):
    kernels = Kernels(default_registry())
    take_step((Dense(units=3), *layers), loss, kernels)
    assert kernels.used == ()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_saturated_logits_are_clipped_as_probabilities_are(dtype):
    x = np.array([[1e4], [1e4], [-1e4], [-1e4]], dtype)
    with np.errstate(all="raise", under="ignore"):
        y_pred, losses, dx = run_kernel(*BINARY, x, [1, 0, 1, 0])
    np.testing.assert_allclose(y_pred[:, 0], [1, 1, 0, 0], atol=1e-30)
    large = -log(1e-7)
    rtol = 0.02 if dtype == "float32" else 1e-6  # 1 - 1e-7 is rounded
    np.testing.assert_allclose(losses, [1e-7, large, large, 1e-7], rtol=rtol, atol=1e-6)
    np.testing.assert_allclose(dx[:, 0], [0, 1, -1, 0], atol=1e-30)


def test_float32_keeps_digits_that_layer_and_loss_lose():
    x = np.float32([[14.5]])
    _, losses, _ = run_kernel(*BINARY, x, [0])
    np.testing.assert_allclose(losses, np.log1p(np.exp(14.5)), rtol=1e-6)
    apart, _ = run_loss(BinaryCrossentropy(), np.float32(1) / (1 + np.exp(-x)), [0])
    assert abs(apart[0] - losses[0]) > 1e-3
