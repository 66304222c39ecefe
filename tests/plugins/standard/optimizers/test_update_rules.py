"""First steps of optimizers by hand; tests/peers compares more of them."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from declnet_plugins.standard.optimizers import (
    SGD,
    Adadelta,
    AdamW,
    AMSGrad,
    Lion,
    NAdam,
)
from declnet_plugins.standard.optimizers.adam import mu_product


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


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(ValueError, match="nesterov needs a momentum"):
        SGD(nesterov=True)
