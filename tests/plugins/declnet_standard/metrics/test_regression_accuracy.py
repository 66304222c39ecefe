from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from declnet_standard.metrics import RegressionAccuracy


def test_is_the_books(figure_of):
    y = np.sin(np.linspace(0, 7, 1000))[:, None]
    y_pred = y + np.random.default_rng(1).normal(scale=0.003, size=y.shape)
    precision = np.std(y) / 250
    expected = np.mean(np.absolute(y_pred - y) < precision)
    assert 0.1 < expected < 0.9
    assert figure_of(RegressionAccuracy(), y_pred, y) == expected
    assert figure_of(RegressionAccuracy(), y_pred, y[:, 0], 100, 7, 893) == expected


def test_the_spread_is_that_of_all_samples(figure_of):
    y, y_pred = [0.0, 0.0, 10.0, 10.0], [[0.4], [0.6], [10.4], [10.6]]  # std 5
    metric = RegressionAccuracy(precision_divisor=10.0)
    assert figure_of(metric, y_pred, y) == 0.5
    assert figure_of(metric, y_pred, y, 2, 2) == 0.5


def test_an_error_of_exactly_the_precision_is_too_large(figure_of):
    metric = RegressionAccuracy(precision_divisor=2.0)
    assert figure_of(metric, [[0.5], [2.0]], [0.0, 2.0]) == 0.5


def test_nothing_is_close_to_constant_targets(figure_of):
    assert figure_of(RegressionAccuracy(), [[0.1], [0.1]], [0.1, 0.1]) == 0


def test_all_outputs_count(figure_of):
    y_pred, y = [[0.0, 1.0], [0.0, 5.0]], [[0, 0], [0, 4]]  # std 1.73
    assert figure_of(RegressionAccuracy(precision_divisor=2.0), y_pred, y) == 0.5


def test_the_divisor_is_positive():
    with pytest.raises(ValidationError, match="precision_divisor"):
        RegressionAccuracy(precision_divisor=0.0)
