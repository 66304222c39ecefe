"""The search for a learning rate, on problems whose best rates are known."""

from __future__ import annotations

import math
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import declnet
from declnet import Schedule, SpecError, StepwiseTraining
from declnet.inspection.rates.search import find_rate, rates_to_keep
from declnet.inspection.rates.trainings import with_rate
from declnet.testing.examples import registry_with


class Flat(Schedule):
    """A third party's schedule that no single field scales."""

    type = "flat"
    first: float = 0.1

    def rate(self, step, total):
        return self.first


def test_a_schedule_without_a_rate_field_is_refused(make):
    registry = registry_with([Flat])
    spec = make(registry, optimizer__learning_rate={"type": "flat"})
    with pytest.raises(SpecError) as caught:
        find_rate(StepwiseTraining(spec, registry))
    (problem,) = caught.value.problems
    assert problem.message == 'the schedule "flat" declares no field that scales its rates'
    assert problem.path == ("optimizer", "learning_rate")


def least_squares(folder, curvature, rate=0.1, dtype="float64"):
    """A spec of one weight whose loss is curvature / 2 * (w - 1)^2, full batch."""
    x = math.sqrt(curvature / 2) * np.tile([[1.0], [-1.0]], (8, 1))  # so the bias stays 0
    np.savez(folder / "line.npz", x=x, y=x)
    layer = {"type": "dense", "units": 1, "weight_initializer": "zeros"}
    return declnet.parse_spec(
        {
            "data": {"train": {"type": "npz", "path": str(folder / "line.npz")}},
            "model": {"dtype": dtype, "layers": [layer]},
            "loss": "mean_squared_error",
            "optimizer": {"type": "sgd", "learning_rate": rate},
            "training": {"epochs": 300},
        }
    )


@pytest.mark.parametrize("curvature", [0.02, 1.0, 500.0])
@pytest.mark.parametrize("budget", [0.0, 1.0])
def test_gradient_descent_on_a_parabola(tmp_path, curvature, budget):
    """It converges for rates below 2 / curvature, fastest at 1 / curvature."""
    result = find_rate(StepwiseTraining(least_squares(tmp_path, curvature)), budget=budget)
    assert 0.05 / curvature < result.suggested < 2 / curvature
    assert bool(result.trials) == (budget > 0)
    for trial in result.trials:
        remaining = (1 - trial.rate * curvature) ** 2
        assert trial.diverged or (trial.loss < curvature / 2) == (remaining < 1)


@pytest.mark.parametrize(
    ("losses", "most", "positions"),
    [
        ([9, 1, 5, 2, 3], 2, [1, 3]),
        ([9, 1, 5, 2, 3], 3, [0, 1, 2, 3]),
        ([1, 2, 3, 4, 5], 3, [0, 1]),
        ([5, 4, 3, 2, 1], 3, [3, 4]),
        ([5, None, 4, 9, 9], 3, [0, 2, 3]),
        ([None] * 5, 3, []),
    ],
)
def test_the_best_rates_and_their_neighbors_are_trained_longer(losses, most, positions):
    trials = [
        SimpleNamespace(rate=0.5**at, loss=loss, diverged=loss is None)
        for at, loss in enumerate(losses)
    ]
    rates = rates_to_keep(trials, most, lambda trial: (trial.loss, trial.rate))
    assert rates == [0.5**at for at in positions]


def test_a_search_is_quiet_reproducible_and_within_its_budget(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = make(optimizer__learning_rate=1e6, training__epochs=2000, training__batch_size=10)
    before = sorted(tmp_path.rglob("*"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = (find_rate(StepwiseTraining(spec), budget=0.5) for _ in range(2))
    assert first == second
    assert sorted(tmp_path.rglob("*")) == before
    assert 0.3 < first.runs <= 0.5
    assert first.updates <= len(first.curve.rates) + sum(trial.updates for trial in first.trials)
    result = declnet.run(with_rate(spec, first.suggested))
    assert result.metrics["train"]["accuracy"] > 0.9


def test_an_untrained_model_without_a_finite_loss_is_an_error_with_its_layer(make):
    huge = {"type": "constant", "value": 1e300}
    spec = make(
        model__layers__0__weight_initializer=huge, model__layers__2__weight_initializer=huge
    )
    with pytest.raises(declnet.DivergenceError, match='the output of "dense_2" infinite') as caught:
        find_rate(StepwiseTraining(spec))
    assert caught.value.layer == "dense_2"
