"""Each optimizer against its textbook rule, written out once more in plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_optimizers import SGD, Adagrad, Adam, RMSProp

EPSILON = 1e-7


def sgd(w, gradients, rate, momentum):
    v = np.zeros_like(w)
    for dw in gradients:
        v = momentum * v - rate * dw
        w = w + v
        yield w


def adagrad(w, gradients, rate):
    cache = np.zeros_like(w)
    for dw in gradients:
        cache = cache + dw**2
        w = w - rate * dw / (np.sqrt(cache) + EPSILON)
        yield w


def rmsprop(w, gradients, rate, rho):
    cache = np.zeros_like(w)
    for dw in gradients:
        cache = rho * cache + (1 - rho) * dw**2
        w = w - rate * dw / (np.sqrt(cache) + EPSILON)
        yield w


def adam(w, gradients, rate, beta_1, beta_2):
    m = v = np.zeros_like(w)
    for step, dw in enumerate(gradients, start=1):
        m = beta_1 * m + (1 - beta_1) * dw
        v = beta_2 * v + (1 - beta_2) * dw**2
        corrected = m / (1 - beta_1**step), v / (1 - beta_2**step)
        w = w - rate * corrected[0] / (np.sqrt(corrected[1]) + EPSILON)
        yield w


@pytest.mark.parametrize(
    ("optimizer", "rule", "arguments"),
    [
        (SGD(), sgd, (1.0, 0.0)),
        (SGD(learning_rate=0.3, momentum=0.9), sgd, (0.3, 0.9)),
        (Adagrad(), adagrad, (1.0,)),
        (RMSProp(), rmsprop, (0.001, 0.9)),
        (RMSProp(learning_rate=0.2, rho=0.99), rmsprop, (0.2, 0.99)),
        (Adam(), adam, (0.001, 0.9, 0.999)),
        (Adam(learning_rate=0.1, beta_1=0.5, beta_2=0.8), adam, (0.1, 0.5, 0.8)),
        (Adam(beta_1=0.0, beta_2=0.0), adam, (0.001, 0.0, 0.0)),
    ],
)
def test_steps_follow_the_rule(optimizer, rule, arguments, descent, take_steps):
    start, gradients = descent
    expected = list(rule(start, gradients, *arguments))
    np.testing.assert_allclose(take_steps(optimizer, start, gradients), expected, rtol=1e-12)


@pytest.mark.parametrize("optimizer", [SGD(), Adagrad(), RMSProp(), Adam()], ids=repr)
def test_a_parameter_without_gradient_stays(optimizer, descent, take_steps):
    start, gradients = descent
    assert (take_steps(optimizer, start, gradients)[:, -1] == start[-1]).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", [SGD(momentum=0.9), Adagrad(), RMSProp(), Adam()], ids=repr)
def test_parameters_keep_their_dtype(optimizer, dtype, descent, take_steps):
    start, gradients = descent
    assert take_steps(optimizer, start.astype(dtype), gradients.astype(dtype)).dtype == dtype
