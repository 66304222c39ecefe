"""Gated linear units and maxout, by their definitions; tests/peers compares with torch."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.standard.layers import GLU, Maxout, Sigmoid
from declnet_plugins.standard.layers.gating import GATES

from ....plain_arrays import LayerRun

RNG = np.random.default_rng(9)
ORDERS = pytest.mark.parametrize("order", ["batch_last", "batch_first"])


def run(layer, x, dy=None, order="batch_last"):
    filled = LayerRun(layer, x.shape[1:], len(x), order=order).run(x, dy)
    return filled["y"], filled["dx"]


@ORDERS
@pytest.mark.parametrize(
    ("shape", "output", "axis"),
    [((6,), (3,), 1), ((4, 6), (4, 3), 2), ((6, 2, 5), (3, 2, 5), 1), ((2, 3, 2, 4), None, 4)],
)
def test_the_second_half_gates_the_first(shape, output, axis, order):
    x = RNG.normal(size=(5, *shape))
    a, b = np.split(x, 2, axis=axis)
    y, dx = run(GLU(), x, None, order)
    assert output is None or y.shape[1:] == output
    gate = 1 / (1 + np.exp(-b))
    np.testing.assert_allclose(y, a * gate, rtol=1e-12)
    expected = np.concatenate([gate, a * gate * (1 - gate)], axis=axis)
    np.testing.assert_allclose(dx, expected, rtol=1e-12)


@pytest.mark.parametrize("activation", GATES)
def test_each_gate_is_the_activation_of_that_name(activation):
    x = RNG.normal(size=(7, 4))
    y, _ = run(GLU(activation=activation), x)
    assert GATES[activation].type == activation
    gate, _ = run(GATES[activation], x[:, 2:])
    np.testing.assert_allclose(y, x[:, :2] * gate, rtol=1e-12)


def test_two_units_of_one_size_do_not_share_their_memory():
    first, second = (LayerRun(GLU(), (4,), 3) for _ in range(2))
    x = RNG.normal(size=(3, 4))
    first.place(x)
    y = first.forward()
    second.run(-x)
    np.testing.assert_array_equal(first.y, y)
    expected = LayerRun(GLU(), (4,), 3).run(x)["dx"]
    np.testing.assert_array_equal(first.backward()["dx"], expected)


@ORDERS
def test_the_largest_of_neighbors_takes_all_of_the_gradient(order):
    x = np.array([[3.0, -1.0, 2.0, 7.0, 7.0, 0.0], [-1.0, -2.0, -3.0, 0.0, 1.0, 2.0]])
    y, dx = run(Maxout(pieces=3), x, np.array([[5.0, 6.0], [7.0, 8.0]]), order)
    assert y.tolist() == [[3, 7], [-1, 2]]
    assert dx.tolist() == [[5, 0, 0, 6, 0, 0], [7, 0, 0, 0, 0, 8]]  # the first of two equal ones


def test_channels_of_images_and_features_of_steps_compete():
    images, steps = RNG.normal(size=(2, 6, 4, 5)), RNG.normal(size=(2, 5, 6))
    y, _ = run(Maxout(pieces=2), images)
    np.testing.assert_array_equal(y, np.maximum(images[:, ::2], images[:, 1::2]))
    y, _ = run(Maxout(pieces=2), steps)
    np.testing.assert_array_equal(y, np.maximum(steps[..., ::2], steps[..., 1::2]))


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (GLU(), (5,), r"even number of features, not samples \(5,\)"),
        (GLU(), (3, 4, 4), r"even number of features, not samples \(3, 4, 4\)"),
        (GLU(), (), "even number"),
        (Maxout(pieces=3), (3, 4), r"multiple of 3 features, not samples \(3, 4\)"),
        (Maxout(pieces=2), (), "multiple of 2"),
    ],
)
def test_features_that_do_not_divide_are_refused(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer.output_shape(shape)


def test_nothing_of_a_gate_overflows():
    x = np.array([[1.0, -1e4], [1.0, 1e4]])
    with np.errstate(over="raise", invalid="raise"):
        y, _ = run(GLU(), x)
    assert y.tolist() == [[0.0], [1.0]]
    assert isinstance(GATES["sigmoid"], Sigmoid)
