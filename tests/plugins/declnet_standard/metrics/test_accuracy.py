from __future__ import annotations

import numpy as np
import pytest

from declnet_standard.metrics import Accuracy

Y_PRED = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.3, 0.4, 0.3], [0.5, 0.3, 0.2]])
LABELS = np.array([0, 1, 1, 2])


@pytest.mark.parametrize("y", [LABELS, LABELS[:, None], np.eye(3)[LABELS]])
def test_counts_alike_for_labels_columns_and_one_hot_rows(y):
    metric = Accuracy()
    state = metric.start()
    metric.update(state, Y_PRED, y)
    assert metric.result(state) == 0.5


def test_batches_count_by_their_samples():
    metric = Accuracy()
    state = metric.start()
    metric.update(state, Y_PRED[:3], LABELS[:3])
    metric.update(state, Y_PRED[3:], LABELS[3:])
    assert metric.result(state) == 0.5


def test_two_states_do_not_share_counts():
    metric = Accuracy()
    first, second = metric.start(), metric.start()
    metric.update(first, Y_PRED, LABELS)
    metric.update(second, Y_PRED[:1], LABELS[:1])
    assert (metric.result(first), metric.result(second)) == (0.5, 1.0)
