"""Each optimizer against its textbook rule, written out once more in plain NumPy; defaults."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from declnet_plugins.standard.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    AMSGrad,
    Lion,
    NAdam,
    RMSProp,
)
from declnet_plugins.standard.optimizers.adam import mu_product

EPSILON = 1e-7


def sgd(w, gradients, rate, momentum, nesterov=False):
    v = np.zeros_like(w)
    for dw in gradients:
        v = momentum * v - rate * dw
        w = w + (momentum * v - rate * dw if nesterov else v)
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


def adam(w, gradients, rate, beta_1, beta_2, weight_decay=0.0, amsgrad=False):
    m = v = largest = np.zeros_like(w)
    for step, dw in enumerate(gradients, start=1):
        w = w - rate * weight_decay * w
        m = beta_1 * m + (1 - beta_1) * dw
        v = beta_2 * v + (1 - beta_2) * dw**2
        largest = np.maximum(largest, v) if amsgrad else v
        corrected = m / (1 - beta_1**step), largest / (1 - beta_2**step)
        w = w - rate * corrected[0] / (np.sqrt(corrected[1]) + EPSILON)
        yield w


def nadam(w, gradients, rate, beta_1, beta_2, momentum_decay):
    def mu(t):
        return beta_1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))

    m = v = np.zeros_like(w)
    product = 1.0
    for step, dw in enumerate(gradients, start=1):
        product *= mu(step)
        m = beta_1 * m + (1 - beta_1) * dw
        v = beta_2 * v + (1 - beta_2) * dw**2
        ahead = mu(step + 1) * m / (1 - product * mu(step + 1))
        ahead = ahead + (1 - mu(step)) * dw / (1 - product)
        w = w - rate * ahead / (np.sqrt(v / (1 - beta_2**step)) + EPSILON)
        yield w


def adadelta(w, gradients, rate, rho, epsilon):
    v = d = np.zeros_like(w)
    for dw in gradients:
        v = rho * v + (1 - rho) * dw**2
        change = dw * np.sqrt(d + epsilon) / np.sqrt(v + epsilon)
        d = rho * d + (1 - rho) * change**2
        w = w - rate * change
        yield w


def lion(w, gradients, rate, beta_1, beta_2, weight_decay):
    m = np.zeros_like(w)
    for dw in gradients:
        w = w - rate * (np.sign(beta_1 * m + (1 - beta_1) * dw) + weight_decay * w)
        m = beta_2 * m + (1 - beta_2) * dw
        yield w


@pytest.mark.parametrize(
    ("optimizer", "rule", "arguments"),
    [
        (SGD(), sgd, (1.0, 0.0)),
        (SGD(learning_rate=0.3, momentum=0.9), sgd, (0.3, 0.9)),
        (SGD(learning_rate=0.3, momentum=0.9, nesterov=True), sgd, (0.3, 0.9, True)),
        (Adagrad(), adagrad, (1.0,)),
        (RMSProp(), rmsprop, (0.001, 0.9)),
        (RMSProp(learning_rate=0.2, rho=0.99), rmsprop, (0.2, 0.99)),
        (Adam(), adam, (0.001, 0.9, 0.999)),
        (Adam(learning_rate=0.1, beta_1=0.5, beta_2=0.8), adam, (0.1, 0.5, 0.8)),
        (Adam(beta_1=0.0, beta_2=0.0), adam, (0.001, 0.0, 0.0)),
        (AdamW(), adam, (0.001, 0.9, 0.999, 0.01)),
        (AdamW(learning_rate=0.1, beta_2=0.8, weight_decay=0.3), adam, (0.1, 0.9, 0.8, 0.3)),
        (AMSGrad(), adam, (0.001, 0.9, 0.999, 0.0, True)),
        (AMSGrad(learning_rate=0.1, beta_1=0.0, beta_2=0.3), adam, (0.1, 0.0, 0.3, 0.0, True)),
        (NAdam(), nadam, (0.002, 0.9, 0.999, 0.004)),
        (NAdam(learning_rate=0.1, beta_1=0.5, momentum_decay=1.0), nadam, (0.1, 0.5, 0.999, 1.0)),
        (NAdam(beta_1=0.0, momentum_decay=0.0), nadam, (0.002, 0.0, 0.999, 0.0)),
        (Adadelta(), adadelta, (1.0, 0.9, 1e-6)),
        (Adadelta(learning_rate=0.3, rho=0.5, epsilon=0.01), adadelta, (0.3, 0.5, 0.01)),
        (Adadelta(rho=0.0), adadelta, (1.0, 0.0, 1e-6)),
        (Lion(), lion, (1e-4, 0.9, 0.99, 0.0)),
        (
            Lion(learning_rate=0.1, beta_1=0.6, beta_2=0.5, weight_decay=0.2),
            lion,
            (0.1, 0.6, 0.5, 0.2),
        ),
        (Lion(beta_1=0.0), lion, (1e-4, 0.0, 0.99, 0.0)),
    ],
    ids=lambda each: getattr(each, "__name__", None) or repr(each),
)
def test_steps_follow_the_rule(optimizer, rule, arguments, descent, take_steps):
    start, gradients = descent
    expected = list(rule(start, gradients, *arguments))
    np.testing.assert_allclose(take_steps(optimizer, start, gradients), expected, 1e-12, 1e-14)


@pytest.mark.parametrize(
    ("optimizer", "start", "gradients", "expected"),
    [
        # v = -0.1, then -0.15;  w += v / 2 - 0.1
        (SGD(learning_rate=0.1, momentum=0.5, nesterov=True), 1.0, [1, 1], [0.85, 0.675]),
        # 2 * (1 - 0.1 * 0.5), minus Adam's first step, which is the rate
        (AdamW(learning_rate=0.1, weight_decay=0.5), 2.0, [7], [1.8]),
        # v is 8, corrected 16; then 4.5, but 8 before, corrected 8 / 0.75
        (
            AMSGrad(learning_rate=1.0, beta_1=0.0, beta_2=0.5),
            0.0,
            [4, 1],
            [-1.0, -1 - sqrt(0.75 / 8)],
        ),
        # mu = 1/4; 3/4 / (1 - 1/4) + 1/4 * 1/2 / (1 - 1/16)
        (NAdam(learning_rate=1.0, beta_1=0.5, momentum_decay=0.0), 0.0, [3], [-17 / 15]),
        # v = 2; 2 * sqrt(1/2) / sqrt(5/2)
        (Adadelta(rho=0.5, epsilon=0.5), 0.0, [2], [-2 / sqrt(5)]),
        # m = 0.03 outweighs -0.1: 0.027 - 0.01
        (Lion(learning_rate=0.1), 1.0, [3, -0.1, -0.4], [0.9, 0.8, 0.9]),
        # 1 - 0.1 * 0.5, minus the rate
        (Lion(learning_rate=0.1, weight_decay=0.5), 1.0, [3], [0.85]),
    ],
    ids=lambda value: getattr(value, "type", None),
)
def test_first_steps_are_those_worked_by_hand(optimizer, start, gradients, expected, take_steps):
    path = take_steps(optimizer, np.array([start]), np.array(gradients, float)[:, None])
    np.testing.assert_allclose(path[:, 0], expected, rtol=1e-6)


@pytest.mark.parametrize("momentum_decay", [0.0, 1e-9, 0.004, 1.0, 250.0])
@pytest.mark.parametrize("beta_1", [0.5, 0.9, 0.999, 0.99999])
def test_the_product_of_all_mu_is_the_running_product(beta_1, momentum_decay):
    t = np.arange(1, 3001)
    running = np.cumprod(beta_1 * (1 - 0.5 * 0.96 ** (t * momentum_decay)))
    looked_at = [step for step in (1, 2, 3, 10, 100, 1000, 3000) if running[step - 1] > 1e-18]
    found = [mu_product(beta_1, momentum_decay, step) for step in looked_at]
    np.testing.assert_allclose(found, running[np.array(looked_at) - 1], rtol=1e-12)


def test_the_product_of_all_mu_is_0_once_1_minus_it_is_1():
    assert mu_product(0.9, 0.004, 10**9) == 0
    assert mu_product(0.0, 0.004, 1) == 0


BETAS = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}

DEFAULTS = [
    (SGD, {"learning_rate": 1.0, "momentum": 0.0, "nesterov": False}),
    (Adagrad, {"learning_rate": 1.0, "epsilon": 1e-7}),
    (RMSProp, {"learning_rate": 0.001, "rho": 0.9, "epsilon": 1e-7}),
    (Adam, {"learning_rate": 0.001, **BETAS}),
    (AdamW, {"learning_rate": 0.001, **BETAS, "weight_decay": 0.01}),
    (NAdam, {"learning_rate": 0.002, **BETAS, "momentum_decay": 0.004}),
    (AMSGrad, {"learning_rate": 0.001, **BETAS}),
    (Adadelta, {"learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-6}),
    (Lion, {"learning_rate": 1e-4, "beta_1": 0.9, "beta_2": 0.99, "weight_decay": 0.0}),
]


@pytest.mark.parametrize(("optimizer", "fields"), DEFAULTS)
def test_defaults_are_those_of_the_reference(optimizer, fields):
    dumped = optimizer().model_dump()
    assert dumped == {"type": optimizer.type, "decay": 0.0, **fields}


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(ValueError, match="nesterov needs a momentum"):
        SGD(nesterov=True)
