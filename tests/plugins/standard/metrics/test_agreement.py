"""Agreement beyond chance, computed by hand; tests/peers compares with scikit-learn."""

from __future__ import annotations

from math import isnan, sqrt

import numpy as np
import pytest

from declnet_plugins.standard.metrics import CohenKappa, Matthews

ROWS = np.eye(3)[[0, 0, 1, 2, 2, 0]]  # predicted
LABELS = np.array([0, 0, 1, 2, 0, 2])


@pytest.mark.parametrize("y", [LABELS, LABELS[:, None], np.eye(3)[LABELS]])
@pytest.mark.parametrize("sizes", [(6,), (1, 5), (1,) * 6])
def test_three_classes_by_hand(y, sizes, value_of):
    # t = p = (3, 1, 2): the sum of t * p is 14, and 4 of 6 are right
    assert value_of(Matthews(), ROWS, y, *sizes) == pytest.approx((4 * 6 - 14) / (36 - 14))
    assert value_of(CohenKappa(), ROWS, y, *sizes) == pytest.approx((4 / 6 - 14 / 36) / (22 / 36))
    # both errors have distance 2; by chance 3*1+1*3+1*2+2*1 pairs at 1 and 2*3*2 at 2, of 36
    assert value_of(CohenKappa(weights="linear"), ROWS, y, *sizes) == pytest.approx(
        1 - (2 * 2) / ((10 + 2 * 12) / 6)
    )
    assert value_of(CohenKappa(weights="quadratic"), ROWS, y, *sizes) == pytest.approx(
        1 - (2 * 4) / ((10 + 4 * 12) / 6)
    )


def test_binary_targets_by_the_threshold(value_of):
    chances, y = [[0.9], [0.7], [0.6], [0.1]], [1, 0, 1, 0]
    assert value_of(Matthews(), chances, y) == pytest.approx((2 * 1 - 1 * 0) / sqrt(3 * 2 * 2 * 1))
    assert value_of(Matthews(threshold=0.8), chances, y) == pytest.approx(2 / sqrt(1 * 2 * 2 * 3))
    assert value_of(CohenKappa(), chances, y) == pytest.approx(0.5)


def test_a_single_class_says_nothing(value_of):
    assert value_of(Matthews(), [[0.9], [0.9]], [1, 0]) == 0
    assert value_of(CohenKappa(), [[0.9], [0.9]], [1, 0]) == 0
    assert isnan(value_of(CohenKappa(), [[0.9], [0.9]], [1, 1]))


def test_many_samples_do_not_overflow():
    metric, state = Matthews(), Matthews().start()
    metric.update(state, np.eye(2), np.array([0, 1]))
    state.counts = np.array([[4, 1], [1, 4]]) * 10**10
    assert metric.result(state) == pytest.approx(0.6)
