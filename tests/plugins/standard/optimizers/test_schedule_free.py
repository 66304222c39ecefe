"""Schedule-free AdamW against the equations of the paper and the package of its authors."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import OptimizerState, ParameterInfo
from declnet_plugins.standard.optimizers.schedule_free import ScheduleFreeAdamW
from declnet_plugins.standard.schedules import Warmup


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
def test_it_matches_the_algorithm_of_the_paper(beta_1, weight_decay, rates):
    rng = np.random.default_rng(1)
    optimizer = ScheduleFreeAdamW(beta_1=beta_1, weight_decay=weight_decay)
    w, targets = rng.normal(size=(3, 4)), rng.normal(size=(60, 3, 4))
    gradients = [lambda w, target=target: np.tanh(w - target) for target in targets]
    expected = paper(
        w.copy(), gradients, rates, beta_1, optimizer.beta_2, optimizer.epsilon, weight_decay
    )
    steps = trained(optimizer, w, gradients, rates)
    for (y, x), evaluated in zip(expected, steps, strict=True):
        np.testing.assert_allclose(w, y, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(evaluated, x, rtol=1e-11, atol=1e-12)


def test_it_matches_the_package_of_the_authors():
    """schedulefree 1.4.1 after 20 steps of AdamWScheduleFree(warmup_steps=5), in float64."""
    schedule = Warmup(steps=4, start_factor=1 / 5, schedule=0.05)
    optimizer = ScheduleFreeAdamW(beta_2=0.99, weight_decay=0.1, learning_rate=schedule)
    w, steps = np.array([1.0, -0.5, 0.25, 2.0]), range(1, 21)
    gradients = [lambda w, t=t: np.tanh(w - np.cos(t) * np.arange(4)) for t in steps]
    *_, x = trained(optimizer, w, gradients, optimizer.rates(steps, 20))
    y = [0.4719836743791278, -0.2403183516322034, 0.18998437526277998, 1.6134955146842909]
    np.testing.assert_allclose(w, y, rtol=1e-14)
    evaluated = [0.5079255208155056, -0.2631771137407929, 0.18665849081646926, 1.6346753024185527]
    np.testing.assert_allclose(x, evaluated, rtol=1e-14)


def trained(optimizer, w, gradients, rates):
    """Train w in place; yield the parameters that are evaluated after each step."""
    info = ParameterInfo("dense_1.weights", w.shape)
    now = Now(optimizer.weight_decay)
    state = OptimizerState((np.empty_like(w), np.empty_like(w)), now, info)
    for name, shape in optimizer.state_shapes(info).items():
        setattr(state, name, np.zeros(shape))
    for name, shape in optimizer.workspace_shapes(info).items():
        setattr(state, name, np.full(shape, np.nan))
    for step, (gradient, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        optimizer.update(w, gradient(w), state, float(rate), step)
        yield optimizer.evaluated(w, state)


class Now:
    """The values of scheduled fields."""

    def __init__(self, weight_decay):
        self.weight_decay = weight_decay
