"""Kernels in the graph: found by exact classes, joined only where nobody else looks."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet import (
    LayerKernel,
    OptimizerKernel,
    Registry,
    RegistryError,
    RegularizerKernel,
)
from declnet.graph.kernels import Kernels, why_none
from declnet.graph.training_graph import TrainingGraph
from declnet.graph.update import Update
from declnet_layers import Dense, ReLU, Softmax
from declnet_losses import CategoricalCrossentropy
from declnet_optimizers import SGD
from declnet_regularizers import L2

RNG = np.random.default_rng(8)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 3))
LABELS = np.array([0, 1, 2, 2, 1, 0, 0])


class OneAfterTheOther(LayerKernel):
    """Runs its layers with memory of its own between them, and spoils what it may."""

    def bind_forward(self, x, y, states):
        layers = [getattr(self, name) for name in type(self).model_fields]

        def call():
            value = x.copy()
            if not np.may_share_memory(x, y):
                y.fill(np.nan)
            for layer, state in zip(layers, states, strict=True):
                after = np.empty((len(value), *layer.output_shape(value.shape[1:])), value.dtype)
                layer.forward(value, after, state)
                value = after
            y[...] = value

        return (call,)

    def bind_backward(self, x, y, dy, dx, states):
        layers = [getattr(self, name) for name in type(self).model_fields]
        if x is None and "x" in layers[0].backward_needs:
            raise AssertionError
        if len(layers) > 1 and any("x" in layer.backward_needs for layer in layers[1:]):
            return None  # it would have to compute what lies between once more

        def call():
            slope = dy.copy()
            if dx is not None and not np.may_share_memory(dx, dy):
                dx.fill(np.nan)
            values = y
            for position in reversed(range(len(layers))):
                layer, state = layers[position], states[position]
                first = position == 0
                below = dx if first else np.empty_like(slope)  # every layer keeps the shape
                layer.backward(x if first else None, values, slope, below, state)
                slope, values = below, None
            if dx is None or not np.may_share_memory(dx, dy):
                dy.fill(np.nan)

        return (call,)


def joining(*classes):
    """A kernel for these classes, in this order."""
    fields = {f"part_{number}": each for number, each in enumerate(classes)}
    name = "_".join(each.type for each in classes)
    body = {"__annotations__": fields, "__module__": __name__, "type": name, "__doc__": name}
    return type(f"Kernel{name}", (OneAfterTheOther,), body)


def kernels_of(*classes):
    registry = Registry()
    for each in classes:
        registry.register(each)
    return Kernels(registry)


def classifier(make_model):
    layers = (Dense(units=3, weight_regularizer=L2(strength=0.1)), ReLU(), Dense(units=3))
    return make_model((*layers, Softmax()))


def stepped(model, registry, kernels):
    loss = CategoricalCrossentropy()
    graph = TrainingGraph(model, loss, registry, 7, 0, kernels)
    step = graph.step(X, loss.prepare(LABELS, (3,), model.dtype))
    return step.run(), graph.gradient.copy()


@given(data=st.data())
def test_any_model_gives_the_same_with_kernels(dags, toys, make_model, registry, data):
    model = make_model(data.draw(dags(orders=data.draw(st.booleans()))))
    kinds = (Dense, ReLU, toys.Tanh, toys.Square, toys.Gate, toys.Turned)
    pairs = [joining(*pair) for pair in product(kinds, (ReLU, toys.Tanh, toys.Turned))]
    alone = [joining(kind) for kind in (Dense, toys.Square)]
    loss = toys.HalfSquares()
    found = []
    for kernels in (Kernels(), kernels_of(*data.draw(st.permutations([*pairs, *alone])))):
        graph = TrainingGraph(model, loss, registry, 7, 0, kernels)
        x = np.full_like(X, np.nan)
        step = graph.step(x, Y)
        step.run()
        x[...] = X
        found.append((step.run(), graph.gradient.copy()))
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-12)
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-12, atol=1e-12)


def test_the_longest_chain_is_taken(make_model, registry):
    kernels = kernels_of(joining(Dense), joining(Dense, ReLU), joining(ReLU))
    with_kernels = stepped(classifier(make_model), registry, kernels)
    without = stepped(classifier(make_model), registry, None)
    assert with_kernels[0] == pytest.approx(without[0], rel=1e-12)
    np.testing.assert_allclose(with_kernels[1], without[1], rtol=1e-12, atol=1e-12)
    assert {each.type for each in kernels.used} == {"dense_relu", "dense"}


def test_a_subclass_is_not_replaced(make_model, registry):
    class Denser(Dense):
        type = "denser"

    kernels = kernels_of(joining(Dense), joining(Dense, ReLU))
    model = make_model((Denser(units=3), ReLU(), Denser(units=3), Softmax()))
    stepped(model, registry, kernels)
    assert kernels.used == ()


def test_what_two_layers_read_is_not_joined_away(make_model, registry, toys):
    layers = (Dense(units=3, name="d"), ReLU(name="r"), toys.Add(inputs=("d", "r")), Softmax())
    kernels = kernels_of(joining(Dense, ReLU))
    stepped(make_model(layers), registry, kernels)
    assert kernels.used == ()


def test_a_kernel_that_does_not_suit_leaves_the_layers_to_others(make_model, registry):
    asked = []

    class Picky(joining(Dense, ReLU)):
        type = "picky"

        def suits(self, shapes, input_gradient):
            asked.append((list(shapes), input_gradient))
            return False

    kernels = kernels_of(Picky, joining(Dense))
    layers = (Dense(units=3), ReLU(), Dense(units=2), ReLU(), Dense(units=3), Softmax())
    stepped(make_model(layers), registry, kernels)
    assert asked == [([(3,), (3,), (3,)], False), ([(3,), (2,), (2,)], True)]
    assert {each.type for each in kernels.used} == {"dense"}


def test_none_leaves_the_layers_to_numpy(make_model, registry):
    class Never(joining(Dense, ReLU)):
        type = "never"

        def bind_forward(self, x, y, states):
            return None

    class OnlyForward(joining(Dense)):
        type = "only_forward"

        def bind_backward(self, x, y, dy, dx, states):
            return None

    kernels = kernels_of(Never, OnlyForward)
    with_kernels = stepped(classifier(make_model), registry, kernels)
    without = stepped(classifier(make_model), registry, None)
    assert kernels.used == ()
    assert with_kernels[0] == without[0]
    np.testing.assert_array_equal(with_kernels[1], without[1])


def test_an_unavailable_kernel_is_left_out_and_says_why():
    class Dear(joining(Dense)):
        type = "dear"

        @classmethod
        def unavailable(cls):
            return "a compiler is not installed"

    registry = Registry()
    registry.register(Dear)
    assert Kernels(registry).longest == 0
    assert why_none(registry) == "a compiler is not installed"
    assert "no plugin" in why_none(Registry())


class SGDKernel(OptimizerKernel):
    """Whole vector at once."""

    type = "whole_sgd"
    optimizer: SGD

    def bind(self, w, dw, state):
        def update(rate, step):
            np.subtract(w, rate * dw, out=w)

        return update


class L2Kernel(RegularizerKernel):
    """dw += 2 * strength * w."""

    type = "plain_l2"
    regularizer: L2

    def bind(self, w, dw):
        def call():
            dw[...] += 2 * self.regularizer.strength * w

        return (call,)


def test_an_optimizers_kernel_updates_the_whole_vector():
    results = []
    for kernels in (kernels_of(SGDKernel), None):
        w, dw = np.arange(5.0), np.empty(5)
        update = Update(SGD(learning_rate=0.5, decay=0.1), w, dw, kernels=kernels)
        for step in (1, 2):
            dw[...] = 1
            assert update(step) == pytest.approx(0.5 / (1 + 0.1 * (step - 1)))
        results.append(w)
    np.testing.assert_allclose(*results, rtol=1e-15)


def test_a_regularizers_kernel_adds_its_gradient(make_model, registry):
    kernels = kernels_of(L2Kernel)
    with_kernels = stepped(classifier(make_model), registry, kernels)
    without = stepped(classifier(make_model), registry, None)
    np.testing.assert_allclose(with_kernels[1], without[1], rtol=1e-12)
    assert kernels.used == (L2Kernel,)


def test_a_kernel_says_what_it_replaces():
    class Nothing(LayerKernel):
        """Has no fields."""

        type = "nothing"

        def bind_forward(self, x, y, states):
            return None

        def bind_backward(self, x, y, dy, dx, states):
            return None

    class Mixed(joining(Dense)):
        type = "mixed"
        loss: CategoricalCrossentropy

    class Two(SGDKernel):
        type = "two"
        other: SGD

    for wrong in (Nothing, Mixed, Two):
        with pytest.raises(RegistryError, match="replace"):
            Registry().register(wrong)
