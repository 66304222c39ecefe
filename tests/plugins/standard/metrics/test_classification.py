"""Metrics of classes, computed by hand; tests/peers compares with scikit-learn."""

from __future__ import annotations

from math import isnan, nan

import numpy as np
import pytest

from declnet_plugins.standard.metrics.classification import (
    F1,
    BinaryAccuracy,
    Precision,
    Recall,
    RocAuc,
    TopKAccuracy,
)

RATIOS = (Precision, Recall, F1)


@pytest.mark.parametrize(
    ("threshold", "y_pred", "y", "share"),
    [
        (0.5, [[0.5]], [0], 1),  # at the threshold, it says 0
        (0.4, [[0.5]], [0], 0),
        (0.0, [[-3.0], [0.1]], [0, 1], 1),
        (0.5, [[0.9, 0.1], [0.9, 0.1], [0.9, 0.1]], [[1, 0], [1, 1], [0, 1]], 0.5),
    ],
)
def test_each_output_above_the_threshold_says_1(threshold, y_pred, y, share, value_of):
    assert value_of(BinaryAccuracy(threshold=threshold), y_pred, y) == share


def test_y_of_another_shape_is_refused(value_of):
    with pytest.raises(ValueError, match="reshape"):
        value_of(BinaryAccuracy(), [[0.9, 0.1]], [1])


@pytest.mark.parametrize(("k", "right"), [(1, 0.25), (2, 0.5), (3, 0.75)])
def test_equal_predictions_are_no_gain(k, right, value_of):
    assert value_of(TopKAccuracy(k=k), np.full((4, 4), 0.25), np.arange(4)) == right


def test_nan_is_never_among_the_first(value_of):
    assert value_of(TopKAccuracy(k=2), [[nan] * 3, [nan, 0.5, 0.5]], [0, 0]) == 0


@pytest.mark.parametrize("metric", RATIOS)
def test_undefined_ratios_are_0(metric, value_of):
    assert value_of(metric(), [[0.1], [0.2]], [0, 0]) == 0


@pytest.mark.parametrize("metric", RATIOS)
@pytest.mark.parametrize("y", [[0, 2], [-1, 0], [0.5, 1]])
def test_invalid_labels_are_refused(metric, y, value_of):
    with pytest.raises(ValueError, match="labels are 0 to 1"):
        value_of(metric(), [[0.1], [0.2]], y)


def test_outputs_of_other_shapes_are_refused(value_of):
    with pytest.raises(ValueError, match=r"f1 needs outputs of one axis, not \(2, 2\)"):
        value_of(F1(), np.zeros((3, 2, 2)), [0, 1, 0])
    with pytest.raises(ValueError, match=r"roc_auc needs one output, not \(2,\)"):
        value_of(RocAuc(), np.eye(2), [0, 1])


@pytest.mark.parametrize(
    ("y_pred", "y"),
    [
        ([[0.3], [0.6]], [0, 0]),
        ([[0.3], [0.6]], [1, 1]),
        ([[0.3], [nan], [0.6]], [0, 1, 1]),
        ([[0.3], [nan], [0.6]], [1, 0, 1]),
    ],
)
def test_one_class_alone_or_nan_has_no_area(y_pred, y, value_of):
    assert isnan(value_of(RocAuc(), y_pred, y))
