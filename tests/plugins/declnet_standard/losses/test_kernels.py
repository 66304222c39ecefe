"""The kernels of a last layer and a loss in the graph of a training step."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import default_registry
from declnet.graph.kernels import Kernels
from declnet.graph.model import Model
from declnet.graph.shapes import infer_nodes
from declnet.graph.training_graph import TrainingGraph
from declnet_standard.layers import Dense, HardSigmoid, Linear, Sigmoid, Softmax
from declnet_standard.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    KLDivergence,
    SigmoidBinaryCrossentropy,
    SoftmaxCategoricalCrossentropy,
)

X = np.random.default_rng(4).normal(size=(9, 4))
LABELS = np.arange(9) % 3
WEIGHTS = np.linspace(0.1, 2.0, 9)

JOINED = (
    (Softmax(), CategoricalCrossentropy(), SoftmaxCategoricalCrossentropy),
    (Softmax(), CategoricalCrossentropy(label_smoothing=0.2), SoftmaxCategoricalCrossentropy),
    (Sigmoid(), BinaryCrossentropy(), SigmoidBinaryCrossentropy),
    (Sigmoid(), BinaryCrossentropy(label_smoothing=0.2), SigmoidBinaryCrossentropy),
)


class OtherSoftmax(Softmax):
    """A subclass may compute something else."""

    type = "other_softmax"


def taken(layers, loss, kernels, weights=None):
    """The mean loss, the gradient and the output of one step."""
    registry = default_registry()
    model = Model(infer_nodes(layers, (4,), registry), (4,), "float64")
    model.store.initialize(3, registry)
    y = np.eye(3)[LABELS]
    graph = TrainingGraph(model, loss, 9, 0, kernels)
    step = graph.step(X, loss.prepare(y, (3,), model.dtype), weights)
    return step.run(), graph.gradient.copy(), step.y_pred.copy()


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize(("last", "loss", "kernel"), JOINED)
def test_a_step_is_that_of_layer_and_loss(last, loss, kernel, weights):
    kernels = Kernels(default_registry())
    joined = taken((Dense(units=3), last), loss, kernels, weights)
    assert kernels.used == (kernel,)
    apart = taken((Dense(units=3), last), loss, Kernels(), weights)
    for found, expected in zip(joined, apart, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-12)


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
    taken((Dense(units=3), *layers), loss, kernels)
    assert kernels.used == ()


def test_nothing_to_train_leaves_the_gradient_out():
    kernels = Kernels(default_registry())
    mean, gradient, y = taken((Dense(units=3), Softmax()), CategoricalCrossentropy(), kernels)
    alone = default_registry()
    model = Model(infer_nodes((Softmax(),), (3,), alone), (3,), "float64")
    logits = np.log(y)
    loss = CategoricalCrossentropy()
    graph = TrainingGraph(model, loss, 9, 0, kernels)
    assert graph.step(logits, loss.prepare(LABELS, (3,), model.dtype)).run() == pytest.approx(mean)
    assert gradient.size
    assert graph.gradient.size == 0
