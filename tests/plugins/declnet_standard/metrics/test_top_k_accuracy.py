from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from declnet_standard.metrics import Accuracy, TopKAccuracy

ROWS = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.3, 0.4, 0.3], [0.5, 0.3, 0.2]])
LABELS = np.array([1, 2, 0, 2])


@pytest.mark.parametrize("y", [LABELS, LABELS[:, None], np.eye(3)[LABELS]])
def test_counts_alike_for_labels_columns_and_one_hot_rows(y, figure_of):
    assert figure_of(TopKAccuracy(k=2), ROWS, y, 1, 3) == 0.75


@pytest.mark.parametrize("k", [3, 5])
def test_as_many_as_there_are_classes_are_always_right(k, figure_of):
    assert figure_of(TopKAccuracy(k=k), ROWS, LABELS) == 1


def test_one_is_accuracy_ties_included(figure_of):
    rng = np.random.default_rng(1)
    rows, labels = rng.integers(0, 3, (200, 4)) / 3, rng.integers(0, 4, 200)
    assert figure_of(TopKAccuracy(k=1), rows, labels) == figure_of(Accuracy(), rows, labels)


@pytest.mark.parametrize(("k", "right"), [(1, 0.25), (2, 0.5), (3, 0.75)])
def test_equal_predictions_are_no_gain(k, right, figure_of):
    assert figure_of(TopKAccuracy(k=k), np.full((4, 4), 0.25), np.arange(4)) == right


def test_nan_is_never_among_them(figure_of):
    assert figure_of(TopKAccuracy(k=2), [[np.nan] * 3, [np.nan, 0.5, 0.5]], [0, 0]) == 0


def test_k_is_at_least_1():
    with pytest.raises(ValidationError, match="k"):
        TopKAccuracy(k=0)
