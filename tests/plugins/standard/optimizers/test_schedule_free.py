"""Schedule-free AdamW against the equations of the paper."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import OptimizerState, ParameterInfo
from declnet_plugins.standard.optimizers.schedule_free import ScheduleFreeAdamW


def paper(x, gradients, rates, beta_1, beta_2, epsilon, decay):
    """Yield y, where the next gradient is taken, and x, after each step (algorithm 1)."""
    z, v, total = x.copy(), np.zeros_like(x), 0.0
    y = x.copy()
    for t, (gradient, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        slope = gradient(y)
        v = beta_2 * v + (1 - beta_2) * slope**2
        z = z - rate * slope / (np.sqrt(v / (1 - beta_2**t)) + epsilon) - rate * decay * y
        total += rate**2
        c = rate**2 / total if total else 0.0
        x = (1 - c) * x + c * z
        y = (1 - beta_1) * z + beta_1 * x
        yield y, x


@pytest.mark.parametrize("beta_1", [0.0, 0.9, 0.98])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize(
    "rates",
    [np.full(60, 0.02), np.minimum(1, np.arange(60) / 20) * 0.05, 0.1 / np.arange(1, 61)],
    ids=["constant", "warmup from 0", "falling"],
)
def test_it_is_the_algorithm_of_the_paper(beta_1, weight_decay, rates):
    rng = np.random.default_rng(1)
    optimizer = ScheduleFreeAdamW(beta_1=beta_1, weight_decay=weight_decay)
    w, targets = rng.normal(size=(3, 4)), rng.normal(size=(60, 3, 4))
    gradients = [lambda w, target=target: np.tanh(w - target) for target in targets]
    expected = paper(
        w.copy(), gradients, rates, beta_1, optimizer.beta_2, optimizer.epsilon, weight_decay
    )
    info = ParameterInfo("dense_1.weights", w.shape)
    state = OptimizerState((np.empty_like(w), np.empty_like(w)), Now(weight_decay), info)
    for name, shape in optimizer.state_shapes(info).items():
        setattr(state, name, np.zeros(shape))
    for name, shape in optimizer.workspace_shapes(info).items():
        setattr(state, name, np.full(shape, np.nan))
    for step, (y, x) in enumerate(expected, start=1):
        optimizer.update(w, gradients[step - 1](w), state, float(rates[step - 1]), step)
        np.testing.assert_allclose(w, y, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(optimizer.evaluated(w, state), x, rtol=1e-11, atol=1e-12)


class Now:
    """The values of scheduled fields."""

    def __init__(self, weight_decay):
        self.weight_decay = weight_decay
