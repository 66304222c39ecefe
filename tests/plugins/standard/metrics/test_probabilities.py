"""Metrics of probabilities, computed by hand; tests/peers compares with scikit-learn."""

from __future__ import annotations

from math import isnan, nan

import numpy as np
import pytest

from declnet_plugins.standard.calibrators import Temperature
from declnet_plugins.standard.metrics.probabilities import (
    Brier,
    CalibrationSlope,
    ExpectedCalibrationError,
    LogLoss,
    RefinedLogLoss,
)

ALL = (LogLoss(), Brier(), ExpectedCalibrationError(), CalibrationSlope(), RefinedLogLoss())


def ids(metric):
    return metric.type


@pytest.mark.parametrize("bins", [1, 7])
def test_0_and_1_are_in_the_first_and_the_last_bin(bins, value_of):
    metric = ExpectedCalibrationError(bins=bins)
    assert value_of(metric, [[0.0], [1.0]], [0, 1]) == 0


@pytest.mark.parametrize(("dtype", "worst"), [("float32", 15.94), ("float64", 36.04)])
def test_a_certain_error_is_finite(dtype, worst, value_of):
    assert value_of(LogLoss(), np.array([[1.0]], dtype), [0]) == pytest.approx(worst, abs=0.01)
    assert value_of(LogLoss(), np.array([[1.0, 0.0]], dtype), [1]) == pytest.approx(worst, abs=0.01)


@pytest.mark.parametrize("metric", ALL, ids=ids)
def test_other_numbers_are_refused_and_nan_gives_nan(metric, value_of):
    with pytest.raises(ValueError, match=f"{metric.type} needs probabilities, not 1.5"):
        value_of(metric, [[0.2], [1.5]], [0, 1])
    with pytest.raises(ValueError, match="outputs of one axis"):
        value_of(metric, np.zeros((2, 2, 2)), [0, 1])
    assert isnan(value_of(metric, [[nan], [0.5]], [0, 1]))
    value_of(metric, np.float32([[1 + 1e-7], [0.5]]), [0, 1])  # rounding is not refused


def test_the_slope_of_calibration(value_of):
    p = np.array([0.2, 0.2, 0.2, 0.2, 0.8, 0.8, 0.8, 0.8])[:, None]
    y, slope = np.array([0, 0, 0, 1, 0, 1, 1, 1]), 0.5 / 0.6
    for rows in (p, np.hstack([1 - p, p])):
        assert value_of(CalibrationSlope(), rows, y, 3, 5) == pytest.approx(slope)
    assert value_of(CalibrationSlope(), (p + 1) / 4, y) == pytest.approx(4 * slope)  # too timid
    classes = np.array([0, 1, 2, 2])
    assert value_of(CalibrationSlope(), np.eye(3)[classes], classes) == 1
    assert isnan(value_of(CalibrationSlope(), p * 0, y))


@pytest.mark.parametrize("classes", [1, 2, 5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_refined_log_loss_is_the_log_loss_after_a_temperature(classes, dtype, value_of):
    rng = np.random.default_rng(classes)
    z = 6 * rng.normal(size=(200, classes))
    p = (
        1 / (1 + np.exp(-z)) if classes == 1 else np.exp(z) / np.exp(z).sum(1, keepdims=True)
    ).astype(dtype)
    y = rng.integers(max(classes, 2), size=200)
    y = np.where(rng.random(200) < 0.5, y, (p > 0.5)[:, 0] if classes == 1 else p.argmax(axis=1))
    task, y_pred = ("binary", p[:, 0]) if classes == 1 else ("classes", p)
    temperature, y_pred = Temperature(), y_pred.astype(float)
    refined = temperature.apply(y_pred, temperature.fit(y_pred, y, task))
    value = value_of(RefinedLogLoss(), p, y, 90, 110)
    assert value == pytest.approx(value_of(LogLoss(), refined.reshape(p.shape), y), rel=1e-9)
    assert value < 0.9 * value_of(LogLoss(), p, y)  # the probabilities are too certain
    blurred = temperature.apply(y_pred, {"temperature": 3.0, "together": classes > 1})
    assert value_of(RefinedLogLoss(), blurred.reshape(p.shape), y) == pytest.approx(value, rel=1e-5)
