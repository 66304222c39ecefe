"""Precision, recall and F1, which are ratios of the same counts."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from declnet_standard.metrics import F1, Precision, Recall

METRICS = (Precision, Recall, F1)

# by class: right 2, 0, 1, 0; predicted 4, 1, 1, 0; actual 3, 1, 1, 1
LABELS = np.array([0, 0, 0, 1, 2, 3])
PREDICTED = np.array([0, 0, 1, 0, 2, 0])
ROWS = np.eye(5)[PREDICTED]
"""A fifth class is neither predicted nor there."""

FIGURES = {
    "precision": [2 / 4, 0 / 1, 1 / 1, 0],
    "recall": [2 / 3, 0 / 1, 1 / 1, 0 / 1],
    "f1": [4 / 7, 0 / 2, 2 / 2, 0 / 1],
}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("y", [LABELS, LABELS[:, None], np.eye(5)[LABELS]])
def test_macro_is_the_mean_of_the_classes_that_occur(metric, y, figure_of):
    assert figure_of(metric(), ROWS, y) == pytest.approx(sum(FIGURES[metric.type]) / 4)


@pytest.mark.parametrize("metric", METRICS)
def test_weighted_counts_a_class_by_its_samples(metric, figure_of):
    expected = np.dot(FIGURES[metric.type], [3, 1, 1, 1]) / 6
    assert figure_of(metric(average="weighted"), ROWS, LABELS) == pytest.approx(expected)


@pytest.mark.parametrize("metric", METRICS)
def test_micro_is_the_accuracy(metric, figure_of):
    assert figure_of(metric(average="micro"), ROWS, LABELS, 2, 4) == pytest.approx(3 / 6)


CHANCES = np.array([[0.9], [0.8], [0.7], [0.2], [0.1]])
ANSWERS = [1, 1, 0, 1, 0]


@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.parametrize("metric", METRICS)
def test_one_output_gives_the_figure_of_class_1(metric, average, figure_of):
    assert figure_of(metric(average=average), CHANCES, ANSWERS, 3, 2) == pytest.approx(2 / 3)


def test_the_threshold_trades_precision_for_recall(figure_of):
    assert figure_of(Precision(threshold=0.75), CHANCES, ANSWERS) == 1
    assert figure_of(Recall(threshold=0.75), CHANCES, ANSWERS) == pytest.approx(2 / 3)
    assert figure_of(Precision(threshold=0.15), CHANCES, ANSWERS) == 0.75
    assert figure_of(Recall(threshold=0.15), CHANCES, ANSWERS) == 1


def test_f1_is_the_harmonic_mean(figure_of):
    precision, recall = 0.75, 1.0
    found = figure_of(F1(threshold=0.15), CHANCES, ANSWERS)
    assert found == pytest.approx(2 * precision * recall / (precision + recall))


@pytest.mark.parametrize("metric", METRICS)
def test_undefined_ratios_are_0(metric, figure_of):
    assert figure_of(metric(), [[0.1], [0.2]], [0, 0]) == 0


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("y", [[0, 2], [-1, 0], [0.5, 1]])
def test_labels_that_are_none_are_refused(metric, y, figure_of):
    with pytest.raises(ValueError, match="labels are 0 to 1"):
        figure_of(metric(), [[0.1], [0.2]], y)


def test_outputs_of_two_axes_are_refused(figure_of):
    with pytest.raises(ValueError, match=r"f1 needs outputs of one axis, not \(2, 2\)"):
        figure_of(F1(), np.zeros((3, 2, 2)), [0, 1, 0])


def test_other_averages_are_refused():
    with pytest.raises(ValidationError, match="macro"):
        F1(average="samples")
