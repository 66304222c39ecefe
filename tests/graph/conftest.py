"""Small layers, and random DAGs of them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import strategies as st

from declnet import Layer, Loss
from declnet.graph.model import Model
from declnet.graph.shapes import infer_network
from declnet.testing.examples import registry_with
from declnet_plugins.standard.layers.activations import Linear, ReLU
from declnet_plugins.standard.layers.dense import Dense


class Toy(Layer):
    """A function of its inputs without parameters, and its gradients."""

    backward_needs = frozenset({"x"})

    def output_shape(self, input_shape):
        return input_shape if self.n_inputs == 1 else input_shape[0]

    def forward(self, x, y, state):
        y[...] = self.value(*(x if self.n_inputs != 1 else (x,)))

    def backward(self, x, y, dy, dx, state):
        many = self.n_inputs != 1
        targets = dx if many else (dx,)
        xs = x if many and x is not None else (x,) * len(targets)
        for target, slope in zip(targets, self.slopes(y, *xs), strict=True):
            if target is not None:
                target[...] = slope * dy


class Add(Toy):
    type = "total"
    backward_needs = frozenset()
    n_inputs = None

    def value(self, *x):
        return sum(x)

    def slopes(self, y, *x):
        return [1.0] * len(x)


class Product(Toy):
    type = "product"
    n_inputs = 2

    def value(self, a, b):
        return a * b

    def slopes(self, y, a, b):
        return [b.copy(), a.copy()]


class Square(Toy):
    type = "square"

    def value(self, x):
        return x * x / 4

    def slopes(self, y, x):
        return [x / 2]


class Tanh(Toy):
    type = "tanh_in_place"
    backward_needs = frozenset({"y"})
    in_place = True

    def value(self, x):
        return np.tanh(x)

    def slopes(self, y, x):
        return [1 - y * y]


class Gate(Toy):
    """x * sigmoid(x); reads x and y in backward."""

    type = "gate"
    backward_needs = frozenset({"x", "y"})

    def value(self, x):
        return x / (1 + np.exp(-x))

    def slopes(self, y, x):
        sigmoid = 1 / (1 + np.exp(-x))
        return [sigmoid + y * (1 - sigmoid)]


class HalfSquares(Loss):
    type = "half_squares"

    def forward(self, y_pred, y_true, losses):
        losses[...] = ((y_pred - y_true) ** 2).sum(axis=1) / 2

    def backward(self, y_pred, y_true, dy_pred):
        dy_pred[...] = y_pred - y_true


class Turned(Toy):
    """The identity, which the graph may compute in place."""

    type = "turned"
    backward_needs = frozenset()
    only_reshapes = True

    def value(self, x):
        return x

    def slopes(self, y, *x):
        return [1.0]


TOYS = (Add, Product, Square, Tanh, Gate, Turned, HalfSquares)
ORDERS = ("batch_last", "batch_first", "any")


def _ordered(kind, memory_order, input_order):
    """Return the layer with other fast memory orders."""
    orders = {"memory_order": memory_order, "input_order": input_order}
    return type(f"{kind.__name__}In{memory_order}", (kind,), {"__module__": __name__, **orders})


ORDERED = {
    kind: [
        _ordered(kind, order, loss_order) for order in ORDERS for loss_order in (None, *ORDERS[1:])
    ]
    for kind in (Add, Product, Square, Tanh, Gate, Turned, Dense, ReLU)
}


@pytest.fixture(scope="session")
def toys():
    return SimpleNamespace(**{toy.__name__: toy for toy in TOYS})


@pytest.fixture(scope="session")
def registry():
    """The default registry with the toy layers added."""
    return registry_with(list(TOYS))


@pytest.fixture(scope="session")
def make_model(registry):
    """Return an initialized model of layers for samples of `width` numbers."""

    def make(layers, dtype="float64", seed=0, input_shape=(3,)):
        model = Model(infer_network(layers, input_shape), dtype)
        model.store.initialize(seed, registry)
        return model

    return make


def _kinds(smooth):
    dense = st.just((Dense, {"units": 3}))
    others = [Add, Product, Square, Tanh, Gate, Turned, Linear, *([] if smooth else [ReLU])]
    return st.one_of(dense, st.sampled_from([(kind, {}) for kind in others]))


@st.composite
def _dags(draw, smooth=False, most=8, orders=False, changed=False):
    layers, unused, names = [], [], ["input"]
    for position in range(draw(st.integers(1, most))):
        kind, fields = draw(_kinds(smooth))
        count = {Add: draw(st.integers(1, 3)), Product: 2}.get(kind, 1)
        inputs = tuple(draw(st.sampled_from(names)) for _ in range(count))
        name = f"v{position + 1}"
        if orders:
            kind = draw(st.sampled_from([kind, *ORDERED.get(kind, [])]))
        layers.append(kind(name=name, inputs=inputs, **fields))
        unused = [value for value in unused if value not in inputs] + [name]
        names.append(name)
    if len(unused) > 1:
        layers.append(Add(name="out", inputs=tuple(unused)))
    return tuple(_changed(draw, layers) if changed else layers)


def _changed(draw, layers):
    """Freeze some layers, and let some share the parameters of an earlier one."""
    changed = []
    for layer in layers:
        alike = [
            layer_ for layer_ in changed if type(layer_) is type(layer) and layer_.parameters((3,))
        ]
        change = draw(st.sampled_from(("", "freeze", *(("share", "share") if alike else ()))))
        fields = {"trainable": False} if change == "freeze" else {}
        if change == "share":
            fields = {"weights_from": draw(st.sampled_from(alike)).name}
        changed.append(layer.model_copy(update=fields))
    return changed


@pytest.fixture(scope="session")
def dags():
    """Return a strategy for random DAGs: `dags(smooth=…, orders=…, changed=…)`.

    With `changed`, some layers are frozen and some share parameters.
    """
    return _dags
