"""Baselines of predictions: the best constant, and the classes that occur."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import Metric
from declnet.runs.inference.observing import SHARES, Observed
from declnet.runs.inference.predictions import OutputReading
from declnet_plugins.standard.metrics.classification import F1, Accuracy
from declnet_plugins.standard.metrics.probabilities import LogLoss
from declnet_plugins.standard.metrics.regression import MeanAbsoluteError, RootMeanSquaredError


def entropy(*shares):
    return -sum(share * np.log(share) for share in shares)


class Broken(Metric):
    type = "broken"

    def start(self):
        return None

    def result(self, state):
        raise ZeroDivisionError


def observed(reading, y_pred, y):
    observer = Observed(reading)
    for at in range(0, len(y), 7):
        observer.add(y_pred[at : at + 7], y[at : at + 7])
    return observer


@pytest.mark.parametrize("one_hot", [False, True])
def test_the_most_frequent_class_is_the_baseline_of_classes(one_hot):
    y = np.array([0] * 4 + [2] * 16)
    observer = observed(
        OutputReading("classes", tuple("abc"), 3), np.eye(3)[y], np.eye(3)[y] if one_hot else y
    )
    baseline = observer.baseline([Accuracy(), F1(), Broken()])
    assert baseline.prediction == 'always "c"'
    assert baseline.metrics == {"accuracy": 0.8, "f1": pytest.approx(4 / 9)}


@pytest.mark.parametrize(
    ("metric", "reading", "y", "prediction", "value"),
    [
        (LogLoss(), ("classes", tuple("abc"), 3), [0, 1, 1, 1], SHARES, entropy(0.25, 0.75)),
        (LogLoss(), ("binary", ("no", "yes"), 1), [0, 1, 1, 1], SHARES, entropy(0.25, 0.75)),
        (Accuracy(), ("classes", tuple("abc"), 3), [0, 1, 1, 1], 'always "b"', 0.75),
        (MeanAbsoluteError(), ("values", None, 1), [0.0, 1, 1, 10], "always the median, 1", 2.5),
        (RootMeanSquaredError(), ("values", None, 1), [1.0, 1, 3, 3], "always the mean, 2", 1),
    ],
)
def test_a_metric_declares_the_constant_that_is_best_for_it(metric, reading, y, prediction, value):
    reading = OutputReading(*reading)
    baseline = observed(reading, np.zeros((4, reading.outputs)), np.array(y)).baseline([metric])
    assert baseline.metrics == {metric.label: pytest.approx(value)}
    assert baseline.prediction_for(metric.label) == prediction
    assert (baseline.title == prediction) == (not baseline.others)
