"""Several losses: gradients of outputs that other layers read too, fusions, weights, memory."""

from itertools import product

import numpy as np
import pytest

from declnet.graph.kernels import Kernels
from declnet.graph.memory_plan import Ending, plan_memory
from declnet.graph.model import Model
from declnet.graph.shapes import infer_network
from declnet.graph.training_graph import TrainingGraph
from declnet.registry.discovery import discover
from declnet.spec.heads import Head
from declnet_plugins.standard.layers.activations import ReLU, Sigmoid, Softmax, Tanh
from declnet_plugins.standard.layers.dense import Dense
from declnet_plugins.standard.layers.joining import Add, Concatenate
from declnet_plugins.standard.layers.normalization import BatchNorm
from declnet_plugins.standard.layers.reshaping import Flatten
from declnet_plugins.standard.losses.classification import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
)
from declnet_plugins.standard.losses.regression import Huber, MeanSquaredError

REGISTRY = discover()


def model_of(layers, outputs, seed=0):
    model = Model(infer_network(layers, (3,), REGISTRY, outputs), "float64")
    model.store.initialize(seed, REGISTRY)
    rng = np.random.default_rng(seed)
    for array in model.store.arrays.values():
        np.add(array, rng.normal(scale=0.3, size=array.shape), out=array)
    return model


FORKS = {
    # an inner output that other layers read, with two losses
    "middle": (
        (Dense(units=4, name="trunk"), Tanh(), Dense(units=2, name="a"), Tanh(),
         Dense(units=1, name="b")),
        ["a", "b"],
        [Head("a", MeanSquaredError(), output="a", weight=0.5), Head("b", Huber(), output="b"),
         Head("again", Huber(), output="a", weight=3.0)],
        [(2,), (1,), (2,)],
    ),
    # two fused losses, one inside the network, and a third on the trunk
    "fused": (
        (Dense(units=4, name="t"), ReLU(name="trunk"),
         Dense(units=3), Softmax(name="kind"),
         Dense(units=1, inputs=["trunk"]), Sigmoid(name="sold"),
         Dense(units=2, inputs=["trunk"]), Flatten(name="price")),
        ["kind", "sold", "price", "trunk"],
        [Head("kind", CategoricalCrossentropy(), output="kind", weight=2.0),
         Head("sold", BinaryCrossentropy(), output="sold", weight=0.25),
         Head("price", MeanSquaredError(), output="price"),
         Head("sparse", MeanSquaredError(), output="trunk", weight=0.1)],
        ["classes", "binary", (2,), (4,)],
    ),
    # a softmax that another layer reads, so it is not fused
    "read": (
        (Dense(units=3), Softmax(name="kind"), Dense(units=2, name="d"),
         Concatenate(inputs=["kind", "d"]), Dense(units=1, name="end")),
        ["kind", "end"],
        [Head("kind", CategoricalCrossentropy(), output="kind"),
         Head("end", MeanSquaredError(), output="end")],
        ["classes", (1,)],
    ),
    # views, sums, and a layer that mixes samples
    "views": (
        (Dense(units=4, name="t"), BatchNorm(), Flatten(name="flat"),
         Add(inputs=["flat", "flat"], name="sum"), Tanh(), Dense(units=2, name="end")),
        ["flat", "sum", "end"],
        [Head("flat", MeanSquaredError(), output="flat"),
         Head("sum", Huber(), output="sum", weight=0.0),
         Head("end", MeanSquaredError(), output="end", weight=4.0)],
        [(4,), (4,), (2,)],
    ),
}  # fmt: skip


def targets(kinds, n, rng):
    losses = []
    for kind in kinds:
        if kind == "classes":
            losses.append(np.eye(3)[rng.integers(3, size=n)])
        elif kind == "binary":
            losses.append(rng.integers(2, size=(n, 1)).astype(float))
        else:
            losses.append(rng.normal(size=(n, *kind)))
    return tuple(losses)


@pytest.mark.parametrize(
    ("name", "kernels", "weighted"), list(product(FORKS, (False, True), (False, True)))
)
def test_gradients_of_several_losses_equal_difference_quotients(name, kernels, weighted):
    layers, outputs, heads, kinds = FORKS[name]
    model, n = model_of(layers, outputs), 7
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(n, 3)), targets(kinds, n, rng)
    weights = rng.uniform(0.5, 2, size=n) if weighted else None
    used = Kernels(REGISTRY) if kernels else Kernels()
    graph = TrainingGraph(model, heads, n, 0, used)
    step = graph.step({"": x}, y, weights)
    assert step.run() == pytest.approx(
        sum(h.weight * part for h, part in zip(heads, step.means(), strict=True))
    )
    gradient = graph.gradient.copy()
    vector, expected = model.store.vector, np.empty_like(gradient)
    for index in range(len(vector)):
        before, ends = vector[index], []
        for change in (1e-6, -1e-6):
            vector[index] = before + change
            ends.append(step.run())
        vector[index] = before
        expected[index] = (ends[0] - ends[1]) / 2e-6
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-8)
    if kernels and name == "fused":
        assert {kernel.type for kernel in used.used} == {
            "softmax_categorical_crossentropy",
            "sigmoid_binary_crossentropy",
        }
    if kernels and name == "read":
        assert not used.used


@pytest.mark.parametrize("name", FORKS)
def test_outputs_and_their_losses_are_intact_after_the_step(name):
    layers, outputs, heads, kinds = FORKS[name]
    model, n = model_of(layers, outputs), 7
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(n, 3)), targets(kinds, n, rng)
    step = TrainingGraph(model, heads, n, 0, Kernels(REGISTRY)).step({"": x}, y)
    step.run()
    means = step.means()
    if name != "views":  # batch_norm predicts with running statistics
        predicted = model.predict(x)
        for head, y_pred in zip(heads, step.y_preds, strict=True):
            np.testing.assert_allclose(y_pred, predicted[head.output], atol=1e-12)
    for head, y_pred, y_true, mean in zip(heads, step.y_preds, y, means, strict=True):
        losses = np.empty(n)
        head.loss.forward(y_pred, y_true, losses)
        assert losses.mean() == pytest.approx(mean, rel=1e-6)


@pytest.mark.parametrize("weights", [None, np.arange(1.0, 8.0)])
def test_recorded_losses_are_averaged_for_each_step(weights):
    layers, outputs, heads, kinds = FORKS["fused"]
    rng = np.random.default_rng(3)
    graph = TrainingGraph(model_of(layers, outputs), heads, 7, 0, Kernels(REGISTRY))
    x = {"": np.empty((7, 3))}
    step, means, rows = graph.step(x, targets(kinds, 7, rng), weights), [], []
    for _ in range(3):
        x[""][...] = rng.normal(size=(7, 3))
        step.run()
        means.append(step.means())
        rows.append([losses.copy() for losses in step.losses])
    recorded = step.recorded_means([np.array(losses) for losses in zip(*rows, strict=True)])
    if weights is None:
        assert recorded.T.tolist() == means
    else:
        assert recorded is None


def test_a_prediction_keeps_every_output():
    layers, outputs, *_ = FORKS["fused"]
    network = infer_network(layers, (3,), REGISTRY, outputs)
    endings = [Ending(node.index) for node in network.nodes if node.name in outputs]
    plan = plan_memory(network, training=False, endings=endings)
    blocks = [plan.activations[ending.output + 1] for ending in endings]
    assert len(set(blocks)) == len(blocks)
    model = model_of(layers, outputs)
    x = np.random.default_rng(4).normal(size=(2500, 3))
    whole = model.predict(x)
    assert list(whole) == outputs
    for name, part in model.predict(x[2000:2003]).items():
        np.testing.assert_allclose(whole[name][2000:2003], part, rtol=1e-12)
