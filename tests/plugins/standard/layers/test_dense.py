from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from declnet_plugins.standard.layers import Dense
from declnet_plugins.standard.layers.dense import FEW, SMALL, matrix_product

from ....plain_arrays import LayerRun


def test_output_and_input_gradient_are_golden(golden_components):
    run = LayerRun(Dense(units=5), (4,), 12)
    weights, biases = golden_components["dense_weights"], golden_components["dense_biases"][0]
    run.initial |= {"weights": weights, "biases": biases}
    x, dy = golden_components["dense_x"], golden_components["dense_dy"]
    found = run.run(x, dy)
    np.testing.assert_allclose(found["y"], golden_components["dense_y"], rtol=1e-12)
    np.testing.assert_allclose(found["dx"], golden_components["dense_dx"], rtol=1e-12)
    np.testing.assert_allclose(found["grad.weights"], x.T @ dy, rtol=1e-12)
    np.testing.assert_allclose(found["grad.biases"], dy.sum(axis=0), rtol=1e-12)


@pytest.mark.parametrize("shape", [(), (3, 8, 8), (2, 3, 4, 5)])
def test_images_are_refused(shape):
    with pytest.raises(ValueError, match=f"{re.escape(str(shape))}; put a flatten before it"):
        Dense(units=5).output_shape(shape)


@pytest.mark.parametrize("steps", [1, 6])
@pytest.mark.parametrize("order", ["batch_last", "batch_first"])
def test_the_steps_of_a_sequence_share_the_weights(order, steps):
    layer, rng = Dense(units=5), np.random.default_rng(3)
    assert layer.output_shape((steps, 4)) == (steps, 5)
    run = LayerRun(layer, (steps, 4), 7, input_order=order)
    x, dy = rng.normal(size=(7, steps, 4)), rng.normal(size=(7, steps, 5))
    found, weights = run.run(x, dy), run.initial["weights"]
    np.testing.assert_allclose(found["y"], x @ weights + run.initial["biases"], rtol=1e-12)
    np.testing.assert_allclose(found["dx"], dy @ weights.T, rtol=1e-12)
    expected = np.einsum("nti,ntu->iu", x, dy)
    np.testing.assert_allclose(found["grad.weights"], expected, rtol=1e-12)
    np.testing.assert_allclose(found["grad.biases"], dy.sum(axis=(0, 1)), rtol=1e-12)


def test_weights_start_by_glorot_uniform_and_biases_at_zero():
    parameters = Dense(units=5).parameters((4,))
    assert {name: (each.shape, each.initializer.type) for name, each in parameters.items()} == {
        "weights": ((4, 5), "glorot_uniform"),
        "biases": ((5,), "zeros"),
    }


@pytest.mark.parametrize("orders", ["CCC", "CCF", "FCF", "FFF", "CFC", "FCC"])
@given(
    rows=st.integers(1, FEW + 2),
    inner=st.integers(1, SMALL // 2),
    columns=st.integers(1, FEW + 2),
)
@example(3, 5000, 7)
@example(5000, 7, 2)
@example(500, 1, 40)
@example(2, 4100, 3)
@example(6, 6, 6)
def test_products_are_those_of_numpy_in_every_memory_order(orders, rows, inner, columns):
    rng = np.random.default_rng(rows * inner + columns)
    a = np.asarray(rng.normal(size=(rows, inner)), order=orders[0])
    b = np.asarray(rng.normal(size=(inner, columns)), order=orders[1])
    out = np.full((rows, columns), np.nan, order=orders[2])
    matrix_product(a, b, out)
    np.testing.assert_allclose(out, a @ b, rtol=1e-10, atol=1e-10)
