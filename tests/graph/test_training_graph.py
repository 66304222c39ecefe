"""What the training graph does with batches, fusions, dtypes and fixed parameters."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from declnet.graph.kernels import Kernels
from declnet.graph.parameters import view
from declnet.graph.training_graph import TrainingGraph
from declnet.spec.heads import Head

RNG = np.random.default_rng(8)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 3))


def reference(model, loss, x, y_true):
    """Mean loss, and its gradient by parameter."""
    values, states = [x.copy()], []
    for node in model.nodes:
        owner = model.nodes[node.owner].name
        named = {key: model.parameters()[f"{owner}.{key}"] for key in node.parameters}
        shapes = node.workspace.items()
        buffers = {
            key: np.full((len(x), *shape.shape), shape.fill or 0, shape.dtype or float)
            for key, shape in shapes
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
    totals = {key: np.zeros_like(array) for key, array in model.parameters().items()}
    for node, state in zip(model.nodes, states, strict=True):
        for key in node.parameters:
            totals[f"{model.nodes[node.owner].name}.{key}"] += getattr(state.grad, key)
    return losses.mean(), totals


def gradients_of(model, graph):
    return {slot.key: view(graph.gradient, slot) for slot in model.store.slots if slot.offset >= 0}


@given(data=st.data())
def test_gradients_are_those_without_shared_memory(dags, toys, make_model, registry, data):
    model = make_model(data.draw(dags(orders=data.draw(st.booleans()), changed=True)))
    graph = TrainingGraph(model, [Head("", toys.HalfSquares())], 7, 0, Kernels(registry))
    x = np.full_like(X, np.nan)
    step = graph.step({"": x}, [Y])
    step.run()  # leaves NaN wherever a value could be read before it is written
    x[...] = X
    loss = step.run()
    expected, gradients = reference(model, toys.HalfSquares(), X, Y)
    assert loss == pytest.approx(expected, rel=1e-12)
    for key, gradient in gradients_of(model, graph).items():
        np.testing.assert_allclose(gradient, gradients[key], rtol=1e-12, atol=1e-12)


@settings(max_examples=25)
@given(data=st.data())
def test_gradients_are_those_of_central_differences(dags, toys, make_model, registry, data):
    model = make_model(data.draw(dags(smooth=True, most=6, changed=True)))
    graph = TrainingGraph(model, [Head("", toys.HalfSquares())], 7, 0, Kernels(registry))
    step = graph.step({"": X / 2}, [Y])
    step.run()
    exact, vector, h = graph.gradient.copy(), model.store.vector, 1e-6
    for position, start in enumerate(vector.tolist()):
        vector[position] = start + h
        above = step.run()
        vector[position] = start - h
        slope = (above - step.run()) / (2 * h)
        vector[position] = start
        assert slope == pytest.approx(exact[position], rel=1e-4, abs=1e-6)
