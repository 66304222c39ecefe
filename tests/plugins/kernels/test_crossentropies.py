"""Fused cross-entropies: losses, probabilities and gradients, in any number of parts."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import KernelSite
from declnet_plugins.kernels.crossentropies import (
    SigmoidBinaryCrossentropyKernel,
    SoftmaxCategoricalCrossentropyKernel,
)
from declnet_plugins.standard.layers import Sigmoid, Softmax
from declnet_plugins.standard.losses import BinaryCrossentropy, CategoricalCrossentropy

pytestmark = pytest.mark.usefixtures("numba")


def softmax(x):
    y = np.exp(x - x.max(1, keepdims=True))
    return y / y.sum(1, keepdims=True)


CASES = {
    "softmax": (SoftmaxCategoricalCrossentropyKernel, Softmax, CategoricalCrossentropy, softmax, 1),
    "sigmoid": (
        SigmoidBinaryCrossentropyKernel,
        Sigmoid,
        BinaryCrossentropy,
        lambda x: 1 / (1 + np.exp(-x)),
        5,
    ),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("case", CASES)
def test_losses_and_gradients_in_parts(case, smoothing, dtype):
    kernel, layer, loss, activation, outputs = CASES[case]
    rng, n = np.random.default_rng(1), 531
    x, loss = rng.normal(size=(n, 5)) * 2, loss(label_smoothing=smoothing)
    y = rng.integers(0, 5, n) if case == "softmax" else rng.integers(0, 2, (n, 5))
    y_true = loss.prepare(y, (5,), np.dtype(dtype))
    weights = rng.uniform(size=n).astype(dtype)
    results = []
    for parts in (1, 2, 3, 7):
        last = [np.full((5, n), np.nan, dtype).T for _ in range(2)]
        site = KernelSite(
            (layer(), loss),
            x=np.asarray(x.T, dtype, order="C").T,
            y=last[0],
            dx=last[1],
            y_true=np.ascontiguousarray(y_true.T).T,
            losses=np.full(n, np.nan, dtype),
            normalized_weights=weights,
        )
        (call,) = kernel().bind(site).forward
        for part in reversed(range(parts)):
            call.block[:2] = part, parts
            call()
        results.append([each.tobytes() for each in (site.y, site.losses, site.dx)])
    assert all(each == results[0] for each in results)
    right, labels = activation(x), y_true.astype(float)
    terms = labels * np.log(right)
    if case == "sigmoid":
        terms = (terms + (1 - labels) * np.log(1 - right)) / outputs
    close = {"rtol": 2e-5 if dtype == "float32" else 1e-12, "atol": 1e-7}
    np.testing.assert_allclose(site.y, right, **close)
    np.testing.assert_allclose(site.losses, -terms.sum(1), **close)
    gradient = (right - labels) / outputs * weights[:, None]
    np.testing.assert_allclose(site.dx, gradient, **close)
