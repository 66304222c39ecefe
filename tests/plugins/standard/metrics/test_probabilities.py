"""Metrics of probabilities, computed by hand; tests/peers compares with scikit-learn."""

from __future__ import annotations

from math import isnan, log, nan

import numpy as np
import pytest

from declnet_plugins.standard.metrics import Brier, ExpectedCalibrationError, LogLoss

CHANCES, ANSWERS = [[0.8], [0.3], [0.5]], [1, 0, 0]
ROWS = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.3, 0.4, 0.3]])
LABELS = np.array([0, 1, 1])
ALL = (LogLoss(), Brier(), ExpectedCalibrationError())


def ids(metric):
    return metric.type


@pytest.mark.parametrize("sizes", [(3,), (1, 2)])
def test_one_unit_by_hand(sizes, value_of):
    logarithms = log(0.8) + log(0.7) + log(0.5)
    assert value_of(LogLoss(), CHANCES, ANSWERS, *sizes) == pytest.approx(-logarithms / 3)
    squares = 0.2**2 + 0.3**2 + 0.5**2
    assert value_of(Brier(), CHANCES, ANSWERS, *sizes) == pytest.approx(squares / 3)
    # 0.5 is in (0, 0.5] with 0.3, where nothing is 1; 0.8 is alone
    two = ExpectedCalibrationError(bins=2)
    assert value_of(two, CHANCES, ANSWERS, *sizes) == pytest.approx((0.8 + 0.2) / 3)


@pytest.mark.parametrize("y", [LABELS, LABELS[:, None], np.eye(3)[LABELS]])
@pytest.mark.parametrize("sizes", [(3,), (1, 2)])
def test_classes_by_hand(y, sizes, value_of):
    logarithms = log(0.5) + log(0.2) + log(0.4)
    assert value_of(LogLoss(), ROWS, y, *sizes) == pytest.approx(-logarithms / 3)
    squares = (0.25 + 0.09 + 0.04) + (0.01 + 0.64 + 0.49) + (0.09 + 0.36 + 0.09)
    assert value_of(Brier(), ROWS, y, *sizes) == pytest.approx(squares / 3)
    two = ExpectedCalibrationError(bins=2)  # 0.5 and 0.4, both right; 0.7, wrong
    assert value_of(two, ROWS, y, *sizes) == pytest.approx((2 - 0.9 + 0.7) / 3)


def test_what_is_said_as_often_as_it_is_right_is_calibrated(value_of):
    y = np.arange(1000) % 10 < 7
    assert value_of(ExpectedCalibrationError(), np.full((1000, 1), 0.7), y) == pytest.approx(0)
    assert value_of(ExpectedCalibrationError(), np.full((1000, 1), 0.9), y) == pytest.approx(0.2)


@pytest.mark.parametrize("bins", [1, 7])
def test_0_and_1_are_in_the_first_and_the_last_bin(bins, value_of):
    metric = ExpectedCalibrationError(bins=bins)
    assert value_of(metric, [[0.0], [1.0]], [0, 1]) == 0


@pytest.mark.parametrize(("dtype", "worst"), [("float32", 15.94), ("float64", 36.04)])
def test_a_certain_error_is_finite(dtype, worst, value_of):
    assert value_of(LogLoss(), np.array([[1.0]], dtype), [0]) == pytest.approx(worst, abs=0.01)
    assert value_of(LogLoss(), np.array([[1.0, 0.0]], dtype), [1]) == pytest.approx(worst, abs=0.01)


@pytest.mark.parametrize("metric", ALL, ids=ids)
def test_other_numbers_are_refused_and_nan_shows(metric, value_of):
    with pytest.raises(ValueError, match=f"{metric.type} needs probabilities, not 1.5"):
        value_of(metric, [[0.2], [1.5]], [0, 1])
    with pytest.raises(ValueError, match="outputs of one axis"):
        value_of(metric, np.zeros((2, 2, 2)), [0, 1])
    assert isnan(value_of(metric, [[nan], [0.5]], [0, 1]))
    value_of(metric, np.float32([[1 + 1e-7], [0.5]]), [0, 1])  # rounding is not refused
