"""Metrics over random batches against scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from declnet_plugins.standard.metrics.agreement import CohenKappa, Matthews
from declnet_plugins.standard.metrics.classification import (
    F1,
    Accuracy,
    AveragePrecision,
    BinaryAccuracy,
    Precision,
    Recall,
    RocAuc,
    TopKAccuracy,
)
from declnet_plugins.standard.metrics.probabilities import (
    Brier,
    CalibrationSlope,
    ExpectedCalibrationError,
    LogLoss,
    RefinedLogLoss,
)
from declnet_plugins.standard.metrics.regression import (
    R2,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    RootMeanSquaredError,
    Spearman,
)

sklearn = pytest.importorskip("sklearn")
peers = pytest.importorskip("sklearn.metrics")
calibration = pytest.importorskip("sklearn.calibration")
stats = pytest.importorskip("scipy.stats")
special = pytest.importorskip("scipy.special")
optimize = pytest.importorskip("scipy.optimize")

RATIOS = (
    (Precision, peers.precision_score),
    (Recall, peers.recall_score),
    (F1, peers.f1_score),
)


@dataclass(frozen=True)
class Batches:
    """A number of samples, the ends of the batches, and a generator for the values."""

    n: int
    cuts: list[int]
    rng: np.random.Generator

    def value_of(self, metric: Any, y_pred: np.ndarray, y: np.ndarray) -> float:
        state = metric.start()
        for rows, targets in zip(np.split(y_pred, self.cuts), np.split(y, self.cuts), strict=True):
            if len(rows):
                metric.update(state, np.asfortranarray(rows), targets)
        return metric.result(state)


@st.composite
def batches(draw: st.DrawFn, least: int = 1) -> Batches:
    n = draw(st.integers(least, 60))
    cuts = sorted(draw(st.lists(st.integers(0, n), max_size=4)))
    return Batches(n, cuts, np.random.default_rng(draw(st.integers(0, 2**32))))


def close(value: float) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.parametrize(("metric", "peer"), RATIOS)
@given(data=batches(), classes=st.integers(2, 8), one_hot=st.booleans())
def test_ratios_of_classes(metric, peer, average, data, classes, one_hot):
    rows, labels = data.rng.random((data.n, classes)), data.rng.integers(0, classes, data.n)
    value = data.value_of(
        metric(average=average), rows, np.eye(classes)[labels] if one_hot else labels
    )
    assert value == close(peer(labels, rows.argmax(axis=1), average=average, zero_division=0))


@pytest.mark.parametrize(("metric", "peer"), RATIOS)
@given(data=batches(), threshold=st.sampled_from([0.0, 0.3, 0.5, 1.0]), column=st.booleans())
def test_ratios_of_binary_targets(metric, peer, data, threshold, column):
    chances, y = data.rng.random((data.n, 1)), data.rng.integers(0, 2, data.n)
    value = data.value_of(metric(threshold=threshold), chances, y[:, None] if column else y)
    assert value == close(peer(y, chances[:, 0] > threshold, zero_division=0))


@given(data=batches(), threshold=st.sampled_from([0.3, 0.5]))
def test_accuracies(data, threshold):
    chances, y = data.rng.random((data.n, 1)), data.rng.integers(0, 2, data.n)
    value = data.value_of(BinaryAccuracy(threshold=threshold), chances, y)
    assert value == close(peers.accuracy_score(y, chances[:, 0] > threshold))
    rows, labels = data.rng.random((data.n, 4)), data.rng.integers(0, 4, data.n)
    expected = peers.accuracy_score(labels, rows.argmax(axis=1))
    assert data.value_of(Accuracy(), rows, labels) == close(expected)


@given(data=batches(), classes=st.integers(3, 8), k=st.integers(1, 7))
def test_top_k_accuracy(data, classes, k):
    assume(k < classes)
    rows, labels = data.rng.random((data.n, classes)), data.rng.integers(0, classes, data.n)
    expected = peers.top_k_accuracy_score(labels, rows, k=k, labels=range(classes))
    assert data.value_of(TopKAccuracy(k=k), rows, labels) == close(expected)


@given(data=batches(least=2), levels=st.sampled_from([2, 5, 1000]), dtype=st.sampled_from("fd"))
def test_rankings_with_ties(data, levels, dtype):
    scores = (data.rng.integers(0, levels, (data.n, 1)) / levels).astype(dtype)
    y = data.rng.permutation(np.arange(data.n) % 2)
    y[data.rng.random(data.n) < 0.3] = 0
    assume(y.any())
    assert data.value_of(RocAuc(), scores, y) == close(peers.roc_auc_score(y, scores[:, 0]))
    expected = peers.average_precision_score(y, scores[:, 0])
    assert data.value_of(AveragePrecision(), scores, y) == close(expected)


def root_mean_squared_error(y, y_pred):
    """Compute scikit-learn's root mean squared error over all outputs together."""
    return np.sqrt(peers.mean_squared_error(y, y_pred))


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize(
    ("metric", "peer"),
    [
        (MeanSquaredError(), peers.mean_squared_error),
        (RootMeanSquaredError(), root_mean_squared_error),
        (MeanAbsoluteError(), peers.mean_absolute_error),
        (MeanAbsolutePercentageError(), peers.mean_absolute_percentage_error),
        (R2(), peers.r2_score),
    ],
)
@given(data=batches(least=2), offset=st.sampled_from([0.0, 100.0]), constant=st.booleans())
def test_metrics_of_values(metric, peer, outputs, data, offset, constant):
    y = data.rng.normal(offset, size=(data.n, outputs))
    y_pred = y + data.rng.normal(scale=0.3, size=y.shape)
    if constant:
        y[:, 0] = 2
    expected = peer(y, y_pred)
    assert data.value_of(metric, y_pred, y) == close(expected)
    if outputs == 1:
        assert data.value_of(metric, y_pred, y[:, 0]) == close(expected)


AGREEMENTS = (
    (Matthews(), peers.matthews_corrcoef, {}),
    (CohenKappa(), peers.cohen_kappa_score, {}),
    (CohenKappa(weights="linear"), peers.cohen_kappa_score, {"weights": "linear"}),
    (CohenKappa(weights="quadratic"), peers.cohen_kappa_score, {"weights": "quadratic"}),
)


@pytest.mark.parametrize(("metric", "peer", "fields"), AGREEMENTS)
@given(data=batches(least=5), classes=st.integers(2, 6))
def test_agreement(metric, peer, fields, data, classes):
    rows, labels = data.rng.random((data.n, classes)), data.rng.integers(0, classes, data.n)
    labels[:2] = 0, 1  # scikit-learn warns about a single class
    if fields:
        fields = {**fields, "labels": range(classes)}
    assert data.value_of(metric, rows, labels) == close(peer(labels, rows.argmax(axis=1), **fields))
    chances, y = rows[:, :1], labels > 0
    fields.pop("labels", None)
    assert data.value_of(metric, chances, y) == close(peer(y, chances[:, 0] > 0.5, **fields))


def brier_score(y, chances, labels):
    """Compute the Brier score; scikit-learn before 1.7 takes only two classes."""
    if chances.ndim == 1:
        return peers.brier_score_loss(y, chances)
    return np.square(chances - np.eye(len(labels))[y]).sum(axis=1).mean()


@pytest.mark.parametrize(("metric", "peer"), [(LogLoss(), peers.log_loss), (Brier(), brier_score)])
@given(data=batches(), classes=st.integers(3, 6))
def test_costs_of_probabilities(metric, peer, data, classes):
    rows = data.rng.dirichlet(np.ones(classes), data.n)
    labels, y = data.rng.integers(0, classes, data.n), data.rng.integers(0, 2, (data.n, 1))
    assert data.value_of(metric, rows, labels) == close(peer(labels, rows, labels=range(classes)))
    chances = data.rng.random((data.n, 1))
    chances[0] = 0
    expected = peer(y[:, 0], chances[:, 0], labels=[0, 1])
    assert data.value_of(metric, chances, y) == close(expected)


@given(data=batches(), classes=st.integers(1, 6), spread=st.floats(0.1, 9))
def test_log_loss_after_the_best_temperature(data, classes, spread):
    logits, y = (
        spread * data.rng.normal(size=(data.n, classes)),
        data.rng.integers(0, classes, data.n),
    )
    if classes == 1:
        y = data.rng.integers(0, 2, data.n)
        logits = logits.clip(-16, 16)  # beyond, 1 - p is 0 in float32
    both = np.hstack([np.zeros_like(logits), logits]) if classes == 1 else logits
    targets = (data.n * np.eye(both.shape[1])[y] + 1 / both.shape[1]) / (data.n + 1)
    rows = np.arange(data.n)

    def smoothed(logarithm: float) -> float:
        return float(-(targets * special.log_softmax(both * np.exp(logarithm), axis=1)).sum())

    best = optimize.minimize_scalar(smoothed, bounds=np.log([0.01, 100]), options={"xatol": 1e-9})
    expected = -special.log_softmax(both * np.exp(best.x), axis=1)[rows, y].mean()
    chances = special.expit(logits) if classes == 1 else special.softmax(logits, axis=1)
    value = data.value_of(RefinedLogLoss(), chances, y)
    assert value == pytest.approx(expected, rel=1e-5, abs=1e-6)


@given(data=batches(), bins=st.integers(1, 20))
def test_calibration_error(data, bins):
    chances, y = data.rng.random((data.n, 1)), data.rng.integers(0, 2, data.n)
    shares, means = calibration.calibration_curve(y, chances[:, 0], n_bins=bins)
    counts = np.histogram(chances, bins=bins, range=(0, 1))[0]
    expected = np.abs(shares - means) @ counts[counts > 0] / data.n
    assert data.value_of(ExpectedCalibrationError(bins=bins), chances, y) == close(expected)


@given(data=batches(least=3))
def test_calibration_slope(data):
    chances, y = data.rng.random((data.n, 1)), data.rng.integers(0, 2, data.n)
    expected = stats.linregress(chances[:, 0], y).slope
    assert data.value_of(CalibrationSlope(), chances, y) == close(expected)


@given(data=batches(least=3), levels=st.sampled_from([3, 10, 10**6]))
def test_spearman(data, levels):
    y, y_pred = data.rng.integers(0, levels, (2, data.n)) / levels
    assume(np.ptp(y) > 0 and np.ptp(y_pred) > 0)
    expected = stats.spearmanr(y_pred, y).statistic
    assert data.value_of(Spearman(), y_pred[:, None], y) == close(expected)
