"""What the training graph does with batches, fusions, dtypes and fixed parameters."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from declnet import Layer, Parameter
from declnet.graph.kernels import Kernels
from declnet.graph.parameters import view
from declnet.graph.training_graph import TrainingGraph
from declnet_plugins.standard.layers import Dense, ReLU, Softmax
from declnet_plugins.standard.losses import CategoricalCrossentropy
from declnet_plugins.standard.regularizers import L2

RNG = np.random.default_rng(8)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 3))
LABELS = np.array([0, 1, 2, 2, 1, 0, 0])


class Count(Layer):
    """The identity; counts its training batches in a parameter that is not trained."""

    type = "count"
    backward_needs = frozenset()

    def parameters(self, input_shape):
        return {"seen": Parameter((1,), "zeros", trainable=False)}

    def forward(self, x, y, state):
        y[...] = x
        state.seen += state.training

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            dx[...] = dy


def classifier(make_model, dtype="float64", regularizer=None):
    layers = (Dense(units=6, weight_regularizer=regularizer), ReLU(), Dense(units=3), Softmax())
    return make_model(layers, dtype)


def stepped(model, registry, x, labels, capacity=7):
    loss = CategoricalCrossentropy()
    graph = TrainingGraph(model, loss, capacity, 0, Kernels(registry))
    y_true = loss.prepare(labels, (3,), model.dtype)
    return graph, graph.step(x.astype(model.dtype), y_true).run()


def test_a_full_batch_is_the_mean_of_mini_batches_weighted_by_samples(make_model, registry):
    model = classifier(make_model)
    whole, loss = stepped(model, registry, X, LABELS)
    parts = [stepped(model, registry, X[cut], LABELS[cut]) for cut in (slice(5), slice(5, 7))]
    mean = (5 * parts[0][0].gradient + 2 * parts[1][0].gradient) / 7
    np.testing.assert_allclose(whole.gradient, mean, rtol=1e-10, atol=1e-14)
    assert loss == pytest.approx((5 * parts[0][1] + 2 * parts[1][1]) / 7)


def test_one_graph_takes_batches_of_several_sizes(make_model, registry):
    model, loss = classifier(make_model), CategoricalCrossentropy()
    graph = TrainingGraph(model, loss, 7, 0, Kernels(registry))
    y_true = loss.prepare(LABELS, (3,), model.dtype)
    large, small = graph.step(X, y_true), graph.step(X[:2], y_true[:2])
    for _ in range(2):
        large.run()
        np.testing.assert_allclose(graph.gradient, stepped(model, registry, X, LABELS)[0].gradient)
        small.run()
        expected = stepped(model, registry, X[:2], LABELS[:2])[0].gradient
        np.testing.assert_allclose(graph.gradient, expected)


def test_regularizers_add_to_the_gradient_and_give_the_penalty(make_model, registry):
    model = classifier(make_model, regularizer=L2(strength=0.1))
    graph, _ = stepped(model, registry, X, LABELS)
    bare, _ = stepped(classifier(make_model), registry, X, LABELS)
    weights = model.parameters()["dense_1.weights"]
    difference = (graph.gradient - bare.gradient)[: weights.size].reshape(weights.shape)
    np.testing.assert_allclose(difference, 0.2 * weights, rtol=1e-9)
    assert graph.penalty() == pytest.approx(0.1 * (weights**2).sum())


def test_float32_agrees_with_float64_as_far_as_it_goes(make_model, registry):
    double, loss = stepped(classifier(make_model), registry, X, LABELS)
    single, loss_32 = stepped(classifier(make_model, "float32"), registry, X, LABELS)
    assert single.gradient.dtype == np.float32
    np.testing.assert_allclose(single.gradient, double.gradient, rtol=1e-4, atol=1e-6)
    assert loss_32 == pytest.approx(loss, rel=1e-5)


def test_parameters_that_are_not_trained_stay_outside_of_the_vector(toys, make_model, registry):
    model = make_model((Dense(units=3), Count(), Dense(units=3)))
    assert len(model.store.vector) == len(make_model((Dense(units=3),) * 2).store.vector)
    graph = TrainingGraph(model, toys.HalfSquares(), 7, 0, Kernels(registry))
    step = graph.step(X, Y)
    step.run()
    step.run()
    model.predict(X)
    assert model.parameters()["count_1.seen"].tolist() == [2.0]


def test_a_model_without_parameters_has_an_empty_gradient(toys, make_model, registry):
    model = make_model((ReLU(),))
    graph = TrainingGraph(model, toys.HalfSquares(), 7, 0, Kernels(registry))
    loss = graph.step(X, Y).run()
    assert graph.gradient.shape == (0,)
    assert loss == pytest.approx(((np.maximum(X, 0) - Y) ** 2).sum(axis=1).mean() / 2)


def reference(model, loss, x, y_true):
    """Mean loss, and its gradient by parameter."""
    values, states = [x.copy()], []
    for node in model.nodes:
        owner = model.nodes[node.owner].name
        named = {key: model.parameters()[f"{owner}.{key}"] for key in node.parameters}
        shapes = node.workspace.items()
        buffers = {
            key: np.full((len(x), *each.shape), each.fill or 0, each.dtype or float)
            for key, each in shapes
        }
        grad = SimpleNamespace(**{key: np.full_like(w, np.nan) for key, w in named.items()})
        state = SimpleNamespace(grad=grad, training=True, frozen=False, **named, **buffers)
        y = np.full((len(x), *node.output_shape), np.nan)
        inputs = tuple(values[value].copy() for value in node.inputs)
        node.layer.forward(inputs if node.takes_many_inputs else inputs[0], y, state)
        values.append(y)
        states.append(state)
    losses, dy = np.empty(len(x)), np.empty_like(values[-1])
    loss.forward(values[-1], y_true, losses)
    loss.backward(values[-1], y_true, dy)
    gradients = [np.zeros_like(value) for value in values]
    gradients[-1] = dy / len(x)
    for node, state in zip(reversed(model.nodes), reversed(states), strict=True):
        dx = tuple(np.full_like(values[value], np.nan) for value in node.inputs)
        inputs = tuple(values[value].copy() for value in node.inputs)
        many = node.takes_many_inputs
        y, dy = values[node.index + 1].copy(), gradients[node.index + 1].copy()
        node.layer.backward(inputs if many else inputs[0], y, dy, dx if many else dx[0], state)
        for value, part in zip(node.inputs, dx, strict=True):
            gradients[value] += part
    found = {key: np.zeros_like(array) for key, array in model.parameters().items()}
    for node, state in zip(model.nodes, states, strict=True):
        for key in node.parameters:
            found[f"{model.nodes[node.owner].name}.{key}"] += getattr(state.grad, key)
    return losses.mean(), found


def gradients_of(model, graph):
    return {slot.key: view(graph.gradient, slot) for slot in model.store.slots if slot.offset >= 0}


@given(data=st.data())
def test_gradients_are_those_without_shared_memory(dags, toys, make_model, registry, data):
    model = make_model(data.draw(dags(orders=data.draw(st.booleans()), changed=True)))
    graph = TrainingGraph(model, toys.HalfSquares(), 7, 0, Kernels(registry))
    x = np.full_like(X, np.nan)
    step = graph.step(x, Y)
    step.run()  # leaves NaN wherever a value could be read before it is written
    x[...] = X
    found = step.run()
    expected, gradients = reference(model, toys.HalfSquares(), X, Y)
    assert found == pytest.approx(expected, rel=1e-12)
    for key, gradient in gradients_of(model, graph).items():
        np.testing.assert_allclose(gradient, gradients[key], rtol=1e-12, atol=1e-12)


@settings(max_examples=25)
@given(data=st.data())
def test_gradients_are_those_of_central_differences(dags, toys, make_model, registry, data):
    model = make_model(data.draw(dags(smooth=True, most=6, changed=True)))
    graph = TrainingGraph(model, toys.HalfSquares(), 7, 0, Kernels(registry))
    step = graph.step(X / 2, Y)
    step.run()
    exact, vector, h = graph.gradient.copy(), model.store.vector, 1e-6
    for position, start in enumerate(vector.tolist()):
        vector[position] = start + h
        above = step.run()
        vector[position] = start - h
        slope = (above - step.run()) / (2 * h)
        vector[position] = start
        assert slope == pytest.approx(exact[position], rel=1e-4, abs=1e-6)
