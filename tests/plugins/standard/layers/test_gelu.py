from __future__ import annotations

from math import erf, erfc, exp, pi, sqrt

import numpy as np
import pytest

from declnet_plugins.standard.layers import GELU
from declnet_plugins.standard.layers.gelu import FAR, fill_normal_tail

from ....plain_arrays import LayerRun

X = np.linspace(-10, 10, 2001)[:, None]


def passed(layer, x=X, *, training=True):
    run = LayerRun(layer, x.shape[1:], len(x), dtype=x.dtype.name)
    filled = run.run(x, training=training)
    return filled["y"], filled.get("dx")


def test_exact_form_is_right_to_the_last_digits():
    y, dx = passed(GELU())
    below = [(1 + erf(x / sqrt(2))) / 2 for x in X[:, 0]]
    density = [exp(-(x**2) / 2) / sqrt(2 * pi) for x in X[:, 0]]
    np.testing.assert_allclose(y[:, 0], X[:, 0] * below, rtol=0, atol=2e-15)
    np.testing.assert_allclose(dx[:, 0], below + X[:, 0] * density, rtol=0, atol=2e-15)


@pytest.mark.parametrize("value", [-np.inf, np.inf, -3e38, 3e38])
def test_huge_inputs_in_float32(value):
    x = np.array([[value]], np.float32)
    y, dx = passed(GELU(), x)
    assert y.tolist() == np.maximum(x, 0).tolist()
    assert dx.tolist() == [[float(value > 0)]]


A = np.linspace(0, FAR, 20_001)


def filled(a):
    tail, density = np.full_like(a, np.nan), np.full_like(a, np.nan)
    fill_normal_tail(a, tail, density)
    return tail, density


def test_tail_is_right_to_the_last_digit():
    expected = np.array([erfc(value / sqrt(2)) / 2 for value in A])
    found, _ = filled(A)
    assert np.abs(found - expected).max() <= 2.3e-16
    near = A <= 7
    np.testing.assert_allclose(found[near], expected[near], rtol=1e-8)
    assert (found[0], found[-1]) == (0.5, 0)


def test_tail_in_float32_keeps_its_digits():
    near = A[A <= 7].astype("float32")
    expected = np.array([erfc(float(value) / sqrt(2)) / 2 for value in near])
    found, density = filled(near)
    assert found.dtype == density.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=3e-6)
