"""Metrics of classes, computed by hand; tests/peers compares with scikit-learn."""

from __future__ import annotations

from math import isnan, nan

import numpy as np
import pytest
from pydantic import ValidationError

from declnet_plugins.standard.metrics import (
    F1,
    Accuracy,
    AveragePrecision,
    BinaryAccuracy,
    Precision,
    Recall,
    RocAuc,
    TopKAccuracy,
)

RATIOS = (Precision, Recall, F1)

ROWS = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.3, 0.4, 0.3], [0.5, 0.3, 0.2]])
LABELS = np.array([0, 1, 1, 2])


@pytest.mark.parametrize("y", [LABELS, LABELS[:, None], np.eye(3)[LABELS]])
@pytest.mark.parametrize(("metric", "share"), [(Accuracy(), 0.5), (TopKAccuracy(k=2), 0.75)])
def test_labels_columns_and_one_hot_rows_count_alike(metric, share, y, value_of):
    assert value_of(metric, ROWS, y) == value_of(metric, ROWS, y, 1, 3) == share


def test_two_states_do_not_share_counts():
    metric = Accuracy()
    first, second = metric.start(), metric.start()
    metric.update(first, ROWS, LABELS)
    metric.update(second, ROWS[:1], LABELS[:1])
    assert (metric.result(first), metric.result(second)) == (0.5, 1.0)


@pytest.mark.parametrize("y", [[1, 0, 0, 0], [[1], [0], [0], [0]], [True, False, False, False]])
def test_yes_and_no_count_alike_in_every_form(y, value_of):
    assert value_of(BinaryAccuracy(), [[0.9], [0.2], [0.6], [0.5]], y) == 0.75


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


@pytest.mark.parametrize("k", [3, 5])
def test_as_many_as_there_are_classes_are_always_right(k, value_of):
    assert value_of(TopKAccuracy(k=k), ROWS, LABELS) == 1


def test_the_first_of_one_is_accuracy_ties_included(value_of):
    rng = np.random.default_rng(1)
    rows, labels = rng.integers(0, 3, (200, 4)) / 3, rng.integers(0, 4, 200)
    assert value_of(TopKAccuracy(k=1), rows, labels) == value_of(Accuracy(), rows, labels)


@pytest.mark.parametrize(("k", "right"), [(1, 0.25), (2, 0.5), (3, 0.75)])
def test_equal_predictions_are_no_gain(k, right, value_of):
    assert value_of(TopKAccuracy(k=k), np.full((4, 4), 0.25), np.arange(4)) == right


def test_nan_is_never_among_the_first(value_of):
    assert value_of(TopKAccuracy(k=2), [[nan] * 3, [nan, 0.5, 0.5]], [0, 0]) == 0


# by class: right 2, 0, 1, 0; predicted 4, 1, 1, 0; actual 3, 1, 1, 1
SIX = np.array([0, 0, 0, 1, 2, 3])
PREDICTED = np.eye(5)[[0, 0, 1, 0, 2, 0]]
"""A fifth class is neither predicted nor there."""
BY_CLASS = {
    "precision": [2 / 4, 0 / 1, 1 / 1, 0],
    "recall": [2 / 3, 0 / 1, 1 / 1, 0 / 1],
    "f1": [4 / 7, 0 / 2, 2 / 2, 0 / 1],
}


@pytest.mark.parametrize("metric", RATIOS)
@pytest.mark.parametrize("y", [SIX, SIX[:, None], np.eye(5)[SIX]])
def test_averages_of_the_classes_that_occur(metric, y, value_of):
    ratios = BY_CLASS[metric.type]
    weighted = value_of(metric(average="weighted"), PREDICTED, y)
    assert value_of(metric(), PREDICTED, y) == pytest.approx(sum(ratios) / 4)
    assert weighted == pytest.approx(np.dot(ratios, [3, 1, 1, 1]) / 6)
    assert value_of(metric(average="micro"), PREDICTED, y, 2, 4) == pytest.approx(3 / 6)


CHANCES = np.array([[0.9], [0.8], [0.7], [0.2], [0.1]])
ANSWERS = [1, 1, 0, 1, 0]


@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.parametrize("metric", RATIOS)
def test_one_output_gives_the_ratio_of_class_1(metric, average, value_of):
    assert value_of(metric(average=average), CHANCES, ANSWERS, 3, 2) == pytest.approx(2 / 3)


@pytest.mark.parametrize(("threshold", "precision", "recall"), [(0.75, 1, 2 / 3), (0.15, 0.75, 1)])
def test_the_threshold_trades_precision_for_recall(threshold, precision, recall, value_of):
    found = [value_of(each(threshold=threshold), CHANCES, ANSWERS) for each in RATIOS]
    harmonic = 2 * precision * recall / (precision + recall)
    assert found == pytest.approx([precision, recall, harmonic])


@pytest.mark.parametrize("metric", RATIOS)
def test_undefined_ratios_are_0(metric, value_of):
    assert value_of(metric(), [[0.1], [0.2]], [0, 0]) == 0


@pytest.mark.parametrize("metric", RATIOS)
@pytest.mark.parametrize("y", [[0, 2], [-1, 0], [0.5, 1]])
def test_labels_that_are_none_are_refused(metric, y, value_of):
    with pytest.raises(ValueError, match="labels are 0 to 1"):
        value_of(metric(), [[0.1], [0.2]], y)


def test_outputs_of_other_shapes_are_refused(value_of):
    with pytest.raises(ValueError, match=r"f1 needs outputs of one axis, not \(2, 2\)"):
        value_of(F1(), np.zeros((3, 2, 2)), [0, 1, 0])
    with pytest.raises(ValueError, match=r"roc_auc needs one output, not \(2,\)"):
        value_of(RocAuc(), np.eye(2), [0, 1])


@pytest.mark.parametrize("make", [lambda: F1(average="samples"), lambda: TopKAccuracy(k=0)])
def test_fields_that_make_no_sense_are_refused(make):
    with pytest.raises(ValidationError):
        make()


def test_the_area_is_the_share_of_pairs_in_the_right_order(value_of):
    y_pred, y = np.array([[0.1], [0.4], [0.35], [0.8]]), [0, 0, 1, 1]
    assert value_of(RocAuc(), y_pred, y) == 0.75
    assert value_of(RocAuc(), 100 * y_pred - 7, np.array(y)[:, None], 1, 3) == 0.75


def test_a_tie_is_half_a_pair_across_batches_too(value_of):
    assert value_of(RocAuc(), [[0.5], [0.5]], [0, 1]) == 0.5
    rng = np.random.default_rng(1)
    y_pred, y = rng.integers(0, 4, (60, 1)) / 3, rng.integers(0, 2, 60)
    pairs = [
        (one > zero) + (one == zero) / 2 for one in y_pred[y == 1, 0] for zero in y_pred[y == 0, 0]
    ]
    assert value_of(RocAuc(), y_pred, y, *[7] * 8, 4) == pytest.approx(np.mean(pairs), rel=1e-12)


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


def test_the_area_keeps_no_reference_to_a_batch():
    metric, y_pred = RocAuc(), np.array([[0.3], [0.6]])
    state = metric.start()
    metric.update(state, y_pred, np.array([0, 1]))
    y_pred[...] = [[0.6], [0.3]]
    assert metric.result(state) == 1


def test_average_precision_is_the_mean_precision_at_the_samples_of_1(value_of):
    y_pred, y = np.array([[0.1], [0.4], [0.35], [0.8]]), [0, 0, 1, 1]
    assert value_of(AveragePrecision(), y_pred, y) == pytest.approx((1 + 2 / 3) / 2)
    tied = np.array([[0.5], [0.5], [0.5], [0.2]])  # whichever is first: 1 of 3
    assert value_of(AveragePrecision(), tied, [0, 1, 0, 0]) == pytest.approx(1 / 3)
    assert np.isnan(value_of(AveragePrecision(), y_pred, [0] * 4))
