"""What predictions are compared with: the best constant, and the classes that occur."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import Metric
from declnet.runs.inference.observing import Observed
from declnet.runs.inference.predictions import OutputReading
from declnet_plugins.standard.metrics.classification import F1, Accuracy


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
