"""Metrics of numbers, computed by hand; tests/peers compares with scikit-learn."""

from __future__ import annotations

from math import isnan, nan

import numpy as np
import pytest

from declnet_plugins.standard.metrics.regression import R2, RegressionAccuracy, Spearman


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
