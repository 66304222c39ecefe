"""What predictions are compared with: the best constant, and the classes that occur."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import Metric
from declnet.runs.inference.observing import MOST_VALUES, Observed
from declnet.runs.inference.predictions import OutputReading
from declnet_plugins.standard.metrics import (
    F1,
    Accuracy,
    BinaryAccuracy,
    MeanAbsoluteError,
    MeanSquaredError,
    RocAuc,
)


class Broken(Metric):
    type = "broken"

    def start(self):
        return None

    def result(self, state):
        raise ZeroDivisionError


def observed(reading, y_pred, y):
    found = Observed(reading)
    for at in range(0, len(y), 7):
        found.add(y_pred[at : at + 7], y[at : at + 7])
    return found


@pytest.mark.parametrize("one_hot", [False, True])
def test_the_most_frequent_class_is_the_baseline_of_classes(one_hot):
    y = np.array([0] * 4 + [2] * 16)
    found = observed(
        OutputReading("classes", tuple("abc"), 3), np.eye(3)[y], np.eye(3)[y] if one_hot else y
    )
    baseline = found.baseline([Accuracy(), F1(), Broken()])
    assert baseline.prediction == 'always "c"'
    assert baseline.metrics == {"accuracy": 0.8, "f1": pytest.approx(4 / 9)}


@pytest.mark.parametrize(("scores", "threshold"), [(False, 0.5), (False, 0.9), (True, 0.0)])
def test_a_binary_output_is_always_on_one_side_of_the_threshold(scores, threshold):
    y = np.array([1] * 15 + [0] * 5)
    reading = OutputReading("binary", ("no", "yes"), 1, threshold, scores)
    baseline = observed(reading, np.zeros((20, 1)), y).baseline(
        [BinaryAccuracy(threshold=threshold), RocAuc()]
    )
    assert baseline.prediction == 'always "yes"'
    assert baseline.metrics == {"binary_accuracy": 0.75, "roc_auc": 0.5}


def test_the_mean_is_the_baseline_of_values():
    y = np.random.default_rng(0).normal(5, 2, (30, 2))
    baseline = observed(OutputReading("values", None, 2), np.zeros((30, 2)), y).baseline(
        [MeanAbsoluteError(), MeanSquaredError()]
    )
    assert baseline.metrics == {
        "mean_absolute_error": pytest.approx(np.abs(y - y.mean(axis=0)).mean()),
        "mean_squared_error": pytest.approx(y.var(axis=0).mean()),
    }
    images = np.zeros((3, MOST_VALUES + 1))
    reading = OutputReading("values", None, MOST_VALUES + 1)
    assert observed(reading, images, images).baseline([MeanSquaredError()]) is None
