"""Kernels in the graph: matched by exact class, fused only if no other layer reads a value."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet import Kernel, KernelCalls, Registry, RegistryError
from declnet.contracts.returned import BrokenContractError
from declnet.graph.kernels import Kernels
from declnet.graph.training_graph import TrainingGraph
from declnet.graph.update import VectorUpdate
from declnet.spec.heads import Head
from declnet_plugins.standard.layers.activations import ReLU, Softmax
from declnet_plugins.standard.layers.dense import Dense
from declnet_plugins.standard.layers.lstm import LSTM
from declnet_plugins.standard.losses.classification import CategoricalCrossentropy
from declnet_plugins.standard.optimizers.sgd import SGD
from declnet_plugins.standard.regularizers import L2

from .conftest import Add, Product

RNG = np.random.default_rng(8)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 3))
LABELS = np.array([0, 1, 2, 2, 1, 0, 0])


class OneAfterTheOther(Kernel):
    """Run the components on private memory and overwrite everything a kernel may."""

    def bind(self, site):
        layers = site.components[: len(site.states)]
        loss = site.components[-1] if site.y_true is not None else None
        values, slopes = [], {}

        def forward():
            values[:] = [site.x.copy()]
            if not np.may_share_memory(site.x, site.y):
                site.y.fill(np.nan)
            for layer, state in zip(layers, site.states, strict=True):
                before = values[-1]
                shape = (len(before), *layer.output_shape(before.shape[1:]))
                values.append(np.empty(shape, before.dtype))
                layer.forward(before, values[-1], state)
            site.y[...] = values[-1]
            if loss is not None:
                loss.forward(site.y, site.y_true, site.losses)

        def backward():
            if loss is None:
                slope = site.dy.copy()
                site.dy.fill(np.nan)
            else:
                slope = np.empty_like(site.y)
                loss.backward(site.y, site.y_true, slope)
                slope *= site.normalized_weights[:, None]
            if site.dx is not None:
                site.dx.fill(np.nan)
            if "x" in layers[0].backward_needs or loss is not None:
                np.testing.assert_array_equal(site.x, values[0])
            for position in reversed(range(len(layers))):
                needs_dx = position > 0 or site.dx is not None
                slopes[position] = np.empty_like(values[position]) if needs_dx else None
                layers[position].backward(
                    values[position],
                    values[position + 1],
                    slope,
                    slopes[position],
                    site.states[position],
                )
                slope = slopes[position]
            if site.dx is not None:
                site.dx[...] = slope

        trained = site.dy is not None or loss is not None
        return KernelCalls((forward,), (backward,) if trained else ())


class OfSeveral(Kernel):
    """Run a layer of several inputs on copies of them."""

    def bind(self, site):
        (layer,), (state,), values = site.components, site.states, []

        def forward():
            values[:] = [array.copy() for array in site.x]
            layer.forward(tuple(values), site.y, state)

        def backward():
            layer.backward(tuple(values), site.y, site.dy, site.dx, state)

        return KernelCalls((forward,), (backward,) if site.dy is not None else ())


@cache
def joining(*classes, base=OneAfterTheOther):
    """Return a kernel for these classes, in this order."""
    name = "_".join(class_name.type for class_name in classes)
    body = {"__module__": __name__, "type": name, "__doc__": name, "replaces": classes}
    return type(f"Kernel{name}", (base,), body)


def kernels_of(*classes, compiled=True):
    registry = Registry()
    for class_name in classes:
        registry.register(class_name)
    return Kernels(registry, compiled=compiled)


def declining(kernel):
    """Return a compiled kernel for the same classes that accepts no site."""
    body = {"__module__": __name__, "compiled": True, "bind": lambda *_: None}
    return type("Never", (kernel,), {"type": f"no_{kernel.type}", **body})


def stepped(model, registry, kernels):
    loss = CategoricalCrossentropy()
    graph = TrainingGraph(model, [Head("", loss)], 7, 0, kernels)
    step = graph.step({"": X}, [loss.prepare(LABELS, (3,), model.dtype)])
    return step.run(), graph.gradient.copy()


@given(data=st.data())
def test_kernels_do_not_change_the_results_of_any_model(dags, toys, make_model, registry, data):
    model = make_model(data.draw(dags(orders=data.draw(st.booleans()))))
    kinds = (Dense, ReLU, toys.Tanh, toys.Square, toys.Gate, toys.Turned)
    pairs = [joining(*pair) for pair in product(kinds, (ReLU, toys.Tanh, toys.Turned, toys.Gate))]
    alone = [joining(kind) for kind in (Dense, toys.Square)]
    alone += [joining(kind, base=OfSeveral) for kind in (toys.Add, toys.Product)]
    endings = [joining(kind, toys.HalfSquares) for kind in (Dense, toys.Tanh, toys.Square)]
    endings += [joining(*pair, toys.HalfSquares) for pair in product(kinds, kinds)]
    known = [*pairs, *alone, *(endings if data.draw(st.booleans()) else [])]
    loss = toys.HalfSquares()
    results = []
    for kernels in (Kernels(), kernels_of(*data.draw(st.permutations(known)))):
        graph = TrainingGraph(model, [Head("", loss)], 7, 0, kernels)
        x = np.full_like(X, np.nan)
        step = graph.step({"": x}, [Y])
        step.run()
        x[...] = X
        results.append((step.run(), graph.gradient.copy()))
    assert results[1][0] == pytest.approx(results[0][0], rel=1e-12)
    np.testing.assert_allclose(results[1][1], results[0][1], rtol=1e-12, atol=1e-12)


class L2Kernel(Kernel):
    """dw += 2 * strength * w."""

    type = "plain_l2"
    replaces = (L2,)

    def bind(self, site):
        (l2,) = site.components

        def call():
            site.dw[...] += 2 * l2.strength * site.w

        return KernelCalls(backward=(call,))


class Denser(Dense):
    type = "denser"


class Picky(joining(Dense, ReLU)):
    """A kernel for an odd number of units after layers that need a gradient."""

    type = "picky"

    def suits(self, components, shapes, input_gradient):
        assert [component.type for component in components] == ["dense", "relu"]
        return input_gradient and list(shapes) == [(5,)] * 3


class Compiled(joining(Dense)):
    type = "compiled"
    compiled = True


class Unavailable(joining(Dense)):
    type = "unavailable"
    compiled = True

    @classmethod
    def unavailable(cls):
        return "a compiler is not installed"


PLAIN = (Dense(units=3, weight_regularizer=L2(strength=0.1)), ReLU(), Dense(units=3))
TWICE = (Dense(units=5), ReLU(), Dense(units=5), ReLU(), Dense(units=3))
D, DR = joining(Dense), joining(Dense, ReLU)
CHOICES = {
    "the longest chain": (PLAIN, (D, DR, joining(ReLU)), {DR, D}),
    "several inputs": (
        (*PLAIN[:2], Product(inputs=("dense_1", "relu_1")), Dense(units=3)),
        (joining(Product, base=OfSeveral),),
        {joining(Product, base=OfSeveral)},
    ),
    "subclasses": ((Denser(units=3), ReLU()), (D, DR), set()),
    "what two layers read": ((*PLAIN[:2], Add(inputs=("dense_1", "relu_1"))), (DR,), set()),
    "what suits": (TWICE, (Picky,), {Picky}),
    "none": (PLAIN, (declining(DR), declining(D)), set()),
    "none, and another": (PLAIN, (DR, declining(DR)), {DR}),
    "compiled first": (PLAIN, (D, Compiled), {Compiled}),
    "unavailable": (PLAIN, (Unavailable, DR), {DR}),
    "of regularizers": (PLAIN, (L2Kernel,), {L2Kernel}),
}


@pytest.mark.parametrize(("layers", "kernels", "used"), CHOICES.values(), ids=CHOICES)
def test_kernels_of_a_model_agree_with_numpy(make_model, registry, layers, kernels, used):
    chosen = kernels_of(*kernels)
    with_kernels = stepped(make_model((*layers, Softmax())), registry, chosen)
    without = stepped(make_model((*layers, Softmax())), registry, None)
    assert {*chosen.used} == used
    assert with_kernels[0] == pytest.approx(without[0], rel=1e-12)
    np.testing.assert_allclose(with_kernels[1], without[1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("classes", [(Softmax,), (Dense, Softmax), (ReLU, Dense, Softmax)])
def test_layers_fused_with_the_loss_keep_its_input(make_model, classes):
    kernel, loss = joining(*classes, CategoricalCrossentropy), CategoricalCrossentropy()
    y_true, weights = loss.prepare(LABELS, (3,), np.dtype(float)), np.arange(7.0)
    steps = []
    for kernels in (Kernels(), kernels_of(kernel)):
        graph = TrainingGraph(make_model((*PLAIN, Softmax())), [Head("", loss)], 7, 0, kernels)
        step = graph.step({"": X}, [y_true], weights)
        step.run()
        steps.append([step.run(), *graph.gradient])
    assert kernels.used == (kernel,)
    np.testing.assert_allclose(*steps, rtol=1e-12, atol=1e-14)


def test_compiled_kernels_are_used_only_where_allowed(make_model, registry):
    kernels = kernels_of(D, Compiled, compiled=False)
    stepped(make_model((*PLAIN, Softmax())), registry, kernels)
    assert (kernels.used, kernels.has_compiled) == ((D,), False)


@pytest.mark.parametrize(
    "returned",
    [(), 3, KernelCalls(forward=[print]), KernelCalls(backward=("no call",)), KernelCalls()],
)
def test_the_result_of_bind_is_verified(make_model, registry, returned):
    for replaces, message in ((SGD, "update|bind"), (Dense, "bind")):
        body = {"type": "wrong", "replaces": (replaces,), "bind": lambda *_: returned}
        kernels = kernels_of(type("Wrong", (Kernel,), {"__module__": __name__, **body}))
        if replaces is SGD:
            with pytest.raises(BrokenContractError, match=message):
                VectorUpdate(SGD(), np.zeros(3), np.zeros(3), 100, kernels)
        elif returned != KernelCalls():
            with pytest.raises(BrokenContractError, match=message):
                stepped(make_model((*PLAIN, Softmax())), registry, kernels)


@pytest.mark.parametrize(
    "classes",
    [
        (),
        (CategoricalCrossentropy, Dense),
        (CategoricalCrossentropy, CategoricalCrossentropy),
        (SGD, SGD),
        (L2, Dense),
        (Dense, 3),
        (LSTM, Dense),
    ],
)
def test_a_kernel_must_declare_the_classes_it_replaces(classes):
    class Wrong(OneAfterTheOther):
        type = "wrong"
        replaces = classes

    with pytest.raises(RegistryError, match="replaces"):
        Registry().register(Wrong)
