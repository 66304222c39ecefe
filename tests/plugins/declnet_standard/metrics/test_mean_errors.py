"""The mean squared and the mean absolute error."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_standard.metrics import MeanAbsoluteError, MeanSquaredError

Y_PRED = np.array([[1.0], [4.0], [0.5]], np.float32)


@pytest.mark.parametrize("y", [[0.0, 1.0, 0.5], [[0], [1], [0.5]]])
def test_count_alike_for_numbers_and_columns(y, figure_of):
    assert figure_of(MeanSquaredError(), Y_PRED, y, 1, 2) == pytest.approx(10 / 3)
    assert figure_of(MeanAbsoluteError(), Y_PRED, y, 2, 1) == pytest.approx(4 / 3)


def test_every_output_counts(figure_of):
    y_pred, y = [[1.0, 2.0], [0.0, 0.0]], [[0, 0], [0, 3]]
    assert figure_of(MeanSquaredError(), y_pred, y) == pytest.approx((1 + 4 + 9) / 4)
    assert figure_of(MeanAbsoluteError(), y_pred, y) == pytest.approx((1 + 2 + 3) / 4)


@pytest.mark.parametrize("metric", [MeanSquaredError(), MeanAbsoluteError()])
def test_small_unsigned_integers_do_not_wrap_around(metric, figure_of):
    assert figure_of(metric, np.array([[1.0]], np.float32), np.array([2], np.uint8)) == 1
