"""`benchmarks/tabular/measures.py` against scikit-learn, and invalid predictions."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="module")
def measures_of(repository: Path) -> Callable[..., dict[str, float]]:
    path = repository / "benchmarks" / "tabular" / "measures.py"
    module: dict[str, Any] = runpy.run_path(str(path))
    return module["measures_of"]


def probabilities(rows: int, classes: int) -> np.ndarray:
    drawn = np.random.default_rng(0).random((rows, classes)).round(1) + 0.05
    return drawn / drawn.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 5])
def test_classes_against_scikit_learn(measures_of: Callable[..., Any], classes: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    y = np.random.default_rng(1).integers(classes, size=200)
    predicted = probabilities(200, classes)
    measures = measures_of(predicted, y, classes)
    accuracy = metrics.accuracy_score(y, predicted.argmax(axis=1))
    assert measures["error"] == pytest.approx(1 - accuracy)
    assert measures["log_loss"] == pytest.approx(metrics.log_loss(y, predicted))
    counts = np.bincount(y)
    positives = range(classes) if classes > 2 else [int(counts.argmin())]
    precisions = [metrics.average_precision_score(y == at, predicted[:, at]) for at in positives]
    assert measures["missed_precision"] == pytest.approx(1 - np.mean(precisions))
    assert ("ranking" in measures) == (classes == 2)
    if classes == 2:
        expected = 1 - metrics.roc_auc_score(y, predicted[:, 1])
        assert measures["ranking"] == pytest.approx(expected)


def test_predicting_the_mean_of_values_has_the_error_1(measures_of: Callable[..., Any]) -> None:
    y = np.array([1.0, 2.0, 6.0])
    assert measures_of(np.full(3, 3.0), y, 0) == {"error": pytest.approx(1)}
    assert measures_of(y + 0.5, y, 0)["error"] == pytest.approx(0.5 / y.std())


@pytest.mark.parametrize("wrong", [np.zeros((3, 1)), np.array([1.0, np.nan, 2.0])])
def test_invalid_predictions_raise(measures_of: Callable[..., Any], wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="predictions of shape"):
        measures_of(wrong, np.array([1.0, 2.0, 3.0]), 0)
