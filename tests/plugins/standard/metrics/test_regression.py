"""Metrics of numbers, computed by hand; tests/peers compares with scikit-learn."""

from __future__ import annotations

import json
import re
from math import isnan, nan

import numpy as np
import pytest

from declnet import run
from declnet_plugins.standard.metrics.regression import R2, MeanError, RegressionAccuracy, Spearman


@pytest.mark.parametrize("y_pred", [[[1.0], [1.0]], [[nan], [1.0]]])
def test_ranks_of_equal_numbers_and_nan_say_nothing(y_pred, value_of):
    assert isnan(value_of(Spearman(), y_pred, [0.0, 1.0]))


def test_r2_of_a_rounded_mean_is_not_rounded(value_of):
    y = np.random.default_rng(0).normal(100, 1, 101)
    mean = np.full((101, 1), y.mean(), np.float32).astype(float)
    expected = 1 - np.square(mean[:, 0] - y).mean() / y.var()
    assert -1e-9 < expected < -1e-14
    assert value_of(R2(), mean, y) == pytest.approx(expected, rel=0.01)
    assert isnan(value_of(R2(), mean * np.nan, y))


@pytest.mark.parametrize("value", [0.1, 1e8 + 0.3])
@pytest.mark.parametrize("sizes", [(10,), (3, 7), (1,) * 10])
def test_r2_of_constant_targets_is_1_or_0(value, sizes, value_of):
    y = np.full(10, value)
    assert value_of(R2(), y[:, None], y, *sizes) == 1
    assert value_of(R2(), y[:, None] + 1e-3, y, *sizes) == 0


def test_far_from_0_nothing_cancels(value_of):
    rng = np.random.default_rng(1)
    y = rng.normal(size=200)
    y_pred = (y + rng.normal(scale=0.1, size=200))[:, None]
    near = value_of(R2(), y_pred, y)
    assert value_of(R2(), y_pred + 1e8, y + 1e8, *[20] * 10) == pytest.approx(near, abs=1e-6)


@pytest.mark.parametrize(
    ("divisor", "y_pred", "y", "share"),
    [
        (10.0, [[0.4], [0.6], [10.4], [10.6]], [0.0, 0.0, 10.0, 10.0], 0.5),  # std 5, of all
        (2.0, [[0.5], [2.0]], [0.0, 2.0], 0.5),  # exactly the precision is too large
        (250.0, [[0.1], [0.1]], [0.1, 0.1], 0),  # nothing is close to constant targets
        (2.0, [[0.0, 1.0], [0.0, 5.0]], [[0, 0], [0, 4]], 0.5),  # std 1.73, of all outputs
    ],
)
def test_close_is_within_a_fraction_of_the_spread(divisor, y_pred, y, share, value_of):
    metric = RegressionAccuracy(precision_divisor=divisor)
    assert value_of(metric, y_pred, y) == value_of(metric, y_pred, y, 1, len(y) - 1) == share


def test_the_bias_is_the_mean_of_the_errors_with_their_sign(value_of):
    y_pred, y = np.float32([[1, 2], [3, 5], [9, 0]]), [[0.0, 2.0], [5.0, 5.0], [1.0, 3.0]]
    for sizes in ((3,), (1, 2)):
        assert value_of(MeanError(), y_pred, y, *sizes) == pytest.approx((1 - 2 + 8 - 3) / 6)


@pytest.fixture
def biased(tmp_path):
    """A spec of a training in which the mean error swings from -8 to 5, and back."""
    x = np.linspace(-1, 1, 40)
    np.savez(tmp_path / "data.npz", x=x[:, None], y=3 * x + 9)
    return {
        "declnet": 1,
        "name": "biased",
        "data": {"train": {"type": "npz", "path": str(tmp_path / "data.npz")}, "validation": 0.25},
        "model": {"layers": [{"type": "dense", "units": 1}]},
        "loss": "mean_squared_error",
        "optimizer": {"type": "sgd", "learning_rate": 0.05, "momentum": 0.9},
        "training": {"epochs": 20, "metrics": ["mean_error"]},
    }


def test_the_metric_closest_to_0_is_best_everywhere(biased, declnet_cli, tmp_path):
    callbacks = [{"type": "early_stopping", "patience": 7}, {"type": "checkpoint", "keep_last": 1}]
    monitored = [{**callback, "monitor": "validation_mean_error"} for callback in callbacks]
    training = {**biased["training"], "callbacks": monitored}
    result = run({**biased, "training": training}, out=tmp_path / "run")
    errors = np.array([row["validation_mean_error"] for row in result.history])
    best = int(np.argmin(np.abs(errors)))
    assert errors.min() < errors[best] - 5 < errors[best] + 4 < errors.max()
    assert len(errors) == best + 1 + 7
    assert result.restored.startswith(f"epoch {best},")
    assert result.metrics["validation"]["mean_error"] == pytest.approx(errors[best], rel=1e-6)
    assert (tmp_path / f"run/checkpoints/step-{best + 1:09}.safetensors").exists()

    biased["sweep"] = {"training.epochs": [2, best + 1, best + 5]}
    (tmp_path / "biased.json").write_text(json.dumps(biased))
    ranked = declnet_cli.succeeds("sweep", "biased.json", "--out", "swept", "--quiet")
    compared = declnet_cli.succeeds("compare", "swept", "--sort", "mean_error")
    for table in (ranked, compared):
        epochs = dict.fromkeys(re.findall(r"epochs=(\d+)", table))
        assert list(map(int, epochs)) == [best + 1, best + 5, 2], table
