from __future__ import annotations

from math import erf, exp, pi, sqrt

import numpy as np
import pytest

from declnet_plugins.standard.layers.gelu import GELU

from ....plain_arrays import LayerRun

X = np.linspace(-10, 10, 2001)[:, None]


def passed(layer, x=X, *, training=True):
    run = LayerRun(layer, x.shape[1:], len(x), dtype=x.dtype.name)
    filled = run.run(x, training=training)
    return filled["y"], filled.get("dx")


def test_the_exact_form_is_accurate_to_the_last_digits():
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
