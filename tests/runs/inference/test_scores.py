"""Counts and errors accumulated in batches, compared with scikit-learn on the whole data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from declnet import ConfusionMatrix, Evaluation
from declnet.runs.inference.predictions import OutputReading
from declnet.runs.inference.scores import ClassCounts, ValueErrors

RNG = np.random.default_rng(4)
CLASSES = 4
labels = arrays.arrays(np.intp, st.integers(1, 40), elements=st.integers(0, CLASSES - 1))


def in_batches(collector, y_pred, y):
    for at in range(0, len(y), 13):
        collector.add(y_pred[at : at + 13], y[at : at + 13])
    return collector


def test_each_yes_or_no_output_is_counted_separately():
    y, scores = RNG.integers(0, 2, (50, 3)), RNG.random((50, 3))
    reading = OutputReading("flags", None, 3, threshold=0.3)
    counts = in_batches(ClassCounts(reading), scores, y).counts
    for output in range(3):
        for true in (0, 1):
            for said in (0, 1):
                counted = (y[:, output] == true) & ((scores[:, output] > 0.3) == said)
                assert counts[output, true, said] == counted.sum()
    rows = Evaluation("", 50, {}, None, counts).by_class()
    assert [row["class"] for row in rows] == ["output 1", "output 2", "output 3"]
    assert [row["support"] for row in rows] == y.sum(axis=0).tolist()


@pytest.mark.parametrize("shape", [(100,), (100, 1), (100, 3)])
@pytest.mark.parametrize("mean", [0.0, 1e8])
def test_errors_equal_scikit_learns(shape, mean):
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    y = mean + RNG.normal(size=shape)
    y_pred = (y + RNG.normal(0, 0.3, shape)).reshape(100, -1)
    errors = in_batches(ValueErrors(), y_pred, y).result()
    true = y.reshape(100, -1)
    assert errors["r2"] == pytest.approx(metrics.r2_score(true, y_pred), rel=1e-6)
    expected = metrics.mean_absolute_error(true, y_pred)
    assert errors["mean_absolute_error"] == pytest.approx(expected)
    assert errors["root_mean_squared_error"] == pytest.approx(
        np.sqrt(metrics.mean_squared_error(true, y_pred))
    )


def test_r2_near_0_is_not_rounded():
    y = np.random.default_rng(0).normal(100, 1, 101)
    mean = np.full((101, 1), y.mean(), np.float32).astype(float)
    assert -1e-9 < in_batches(ValueErrors(), mean, y).result()["r2"] < -1e-14


@given(labels, st.randoms())
def test_scores_equal_scikit_learns(true, random):
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    predicted = np.array([random.randrange(CLASSES) for _ in true])
    matrix = ConfusionMatrix.counted(true, predicted, CLASSES)
    everything = list(range(CLASSES))
    np.testing.assert_array_equal(
        matrix.counts, metrics.confusion_matrix(true, predicted, labels=everything)
    )
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        true, predicted, labels=everything, zero_division=0
    )
    np.testing.assert_allclose(matrix.precision, precision)
    np.testing.assert_allclose(matrix.recall, recall)
    np.testing.assert_allclose(matrix.f1, f1)
    np.testing.assert_array_equal(matrix.support, support)
