from __future__ import annotations

from math import isnan, nan

import numpy as np
import pytest

from declnet_standard.metrics import RocAuc


def test_is_the_share_of_pairs_in_the_right_order(figure_of):
    y_pred, y = np.array([[0.1], [0.4], [0.35], [0.8]]), [0, 0, 1, 1]
    assert figure_of(RocAuc(), y_pred, y) == 0.75
    assert figure_of(RocAuc(), 100 * y_pred - 7, np.array(y)[:, None], 1, 3) == 0.75


def test_a_tie_is_half_a_pair(figure_of):
    assert figure_of(RocAuc(), [[0.5], [0.5]], [0, 1]) == 0.5
    assert figure_of(RocAuc(), [[0.5], [0.5], [0.2], [0.9]], [0, 1, 0, 1], 2, 2) == 0.875


def test_ties_across_batches_count_as_within_one(figure_of):
    rng = np.random.default_rng(1)
    y_pred, y = rng.integers(0, 4, (60, 1)) / 3, rng.integers(0, 2, 60)
    pairs = [
        (one > zero) + (one == zero) / 2 for one in y_pred[y == 1, 0] for zero in y_pred[y == 0, 0]
    ]
    assert figure_of(RocAuc(), y_pred, y, *[7] * 8, 4) == pytest.approx(np.mean(pairs), rel=1e-12)


@pytest.mark.parametrize("y", [[0, 0], [1, 1]])
def test_one_class_alone_has_no_area(y, figure_of):
    assert isnan(figure_of(RocAuc(), [[0.3], [0.6]], y))


def test_nan_in_gives_nan_out(figure_of):
    assert isnan(figure_of(RocAuc(), [[0.3], [nan], [0.6]], [0, 1, 1]))
    assert isnan(figure_of(RocAuc(), [[0.3], [nan], [0.6]], [1, 0, 1]))


def test_keeps_no_reference_to_a_batch():
    metric, y_pred = RocAuc(), np.array([[0.3], [0.6]])
    state = metric.start()
    metric.update(state, y_pred, np.array([0, 1]))
    y_pred[...] = [[0.6], [0.3]]
    assert metric.result(state) == 1


def test_several_outputs_are_refused(figure_of):
    with pytest.raises(ValueError, match=r"roc_auc needs one output, not \(2,\)"):
        figure_of(RocAuc(), np.eye(2), [0, 1])
