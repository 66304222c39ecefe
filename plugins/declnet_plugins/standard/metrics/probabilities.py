"""Metrics of predicted probabilities: how sharp they are, and whether they are honest."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import nan, prod
from typing import ClassVar

import numpy as np
from pydantic import Field

from declnet import Array, Better, Diagnostic, Metric, RunContext
from declnet_plugins.standard.metrics.classification import whole_labels
from declnet_plugins.standard.metrics.comparability import (
    no_binary_labels,
    no_probabilities,
    several_axes,
    several_choices,
)
from declnet_plugins.standard.metrics.means import MeanMetric, Samples
from declnet_plugins.standard.metrics.regression import Spread
from declnet_plugins.standard.temperature import fitted_temperatures, logits_of

ROUNDING = 1e-5
"""How far a probability may be outside 0 to 1: a softmax of float32 may round."""

MOST_AT_ONCE = 2**16
"""Probabilities from which on parts are computed one after another, in less memory."""


class ProbabilityMetric(Metric):
    """A metric of the probabilities of one unit, for labels of 0 and 1, or of one per class."""

    better: ClassVar[Better | None] = "lower"
    best_constant = "shares"

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require probabilities: of one axis of classes, or of one unit for 0 and 1."""
        yield from several_axes(self, context)
        yield from several_choices(self, context)
        yield from no_binary_labels(self, context)
        yield from no_probabilities(self, context)

    def read(self, y_pred: Array, y_true: Array) -> tuple[Array, Array]:
        """Return probabilities (n, classes), or (n, 1) of class 1, and labels (n,).

        Raises:
            ValueError: the outputs are not probabilities, or have several axes.
        """
        if prod(y_pred.shape[1:]) != 1 and y_pred.ndim != 2:
            raise ValueError(f"{self.type} needs outputs of one axis, not {y_pred.shape[1:]}")
        p = y_pred.reshape(len(y_pred), -1)
        wrong = (p < -ROUNDING) | (p > 1 + ROUNDING)
        if wrong.any():
            raise ValueError(f"{self.type} needs probabilities, not {p[wrong][0]:g}")
        return p, whole_labels(y_true, max(2, p.shape[1]))


def truth_of(p: Array, labels: Array) -> Array:
    """Return 1 where a label is the class of a probability, else 0, in the shape of p."""
    classes = 1 if p.shape[1] == 1 else np.arange(p.shape[1])
    truth: Array = labels[:, None] == classes
    return truth


class LogLoss(ProbabilityMetric, MeanMetric):
    """log_loss = mean(-log(p)), with p the predicted probability of each sample's label.

    p is clipped to [eps, 1 - eps], eps the machine epsilon of y_pred's type, 1.2e-7 in float32.
    y_pred: (n, 1), probabilities of class 1, with y of 0 and 1; or (n, classes) with labels (n,) or
    one-hot rows.

    Like categorical_crossentropy and binary_crossentropy, but always without label smoothing, and
    also for models trained with another loss. The same as scikit-learn's log_loss.
    """

    type = "log_loss"

    def values(self, y_pred: Array, y_true: Array) -> Array:
        """Return -log(p) of the labels."""
        p, labels = self.read(y_pred, y_true)
        if p.shape[1] == 1:
            chosen = np.where(labels == 1, p[:, 0], 1 - p[:, 0])
        else:
            chosen = p[np.arange(len(p)), labels]
        eps = np.finfo(p.dtype).eps
        logarithms: Array = np.log(np.clip(chosen, eps, 1 - eps), dtype=np.float64)
        return -logarithms


class RefinedLogLoss(ProbabilityMetric):
    """refined_log_loss = log_loss of softmax(log(p) / t), or of sigmoid(logit(p) / t) for one unit.

    t is the temperature that the calibrator `temperature` fits to the same samples. What remains
    is how well the classes are told apart; how certain the probabilities are no longer matters. An
    epoch with a low value and its temperature give good probabilities, even if the network has
    become too certain by then. Predictions are kept until the result.

    y_pred: (n, 1), probabilities of class 1, with y of 0 and 1; or (n, classes) with labels (n,) or
    one-hot rows.

    Berta, Holzmüller, Jordan and Bach, Rethinking Early Stopping: Refine, Then Calibrate,
    arXiv:2501.19195, 2025.
    """

    type = "refined_log_loss"

    def start(self) -> Samples:
        """Return no predictions."""
        return Samples()

    def update(self, state: Samples, y_pred: Array, y_true: Array) -> None:
        """Keep a copy of a batch: small ones are many, so they are read together."""
        state.y_pred.append(y_pred.copy())
        state.y_true.append(y_true.copy())

    def result(self, state: Samples) -> float:
        """Fit the temperature and return the log loss."""
        if not state.y_pred:
            return nan
        y_pred, y_true = np.concatenate(state.y_pred), np.concatenate(state.y_true)
        return float(self._of_sets(y_pred, y_true, np.ones((1, len(y_pred))))[0])

    def leaving_out(self, y_pred: Array, y_true: Array, part_of: Array) -> Array:
        """Fit all temperatures together: with few samples, function calls take most of the time."""
        if y_pred.size > MOST_AT_ONCE:
            return super().leaving_out(y_pred, y_true, part_of)
        parts = np.arange(int(part_of.max()) + 1)
        return self._of_sets(y_pred, y_true, (part_of != parts[:, None]).astype(float))

    def _of_sets(self, y_pred: Array, y_true: Array, samples: Array) -> Array:
        """Return the metric of sets of samples, which `fitted_temperatures` takes."""
        p, labels = self.read(y_pred, y_true)
        together = p.shape[1] > 1
        logits = logits_of(p.astype(np.float64), together)
        if not np.isfinite(logits).all():
            return np.full(len(samples), nan)
        targets = labels if together else labels[:, None]
        temperatures = fitted_temperatures(logits, targets, together, samples)[:, None]
        if together:
            chosen = logits[np.arange(len(labels)), labels] / temperatures
            powers = logits.T / temperatures[:, None]
            largest = powers.max(axis=1, keepdims=True)
            sums = np.exp(powers - largest, out=powers).sum(axis=1)
            losses = np.log(sums) + largest[:, 0] - chosen
        else:
            losses = np.logaddexp(0.0, np.where(targets == 1, -logits, logits)[:, 0] / temperatures)
        means: Array = (losses * samples).sum(axis=1) / samples.sum(axis=1)
        return means


class Brier(ProbabilityMetric, MeanMetric):
    """brier = mean((p - y)**2) for one unit; for classes the mean of sum_k (p_k - y_k)**2.

    y is 0 or 1, y_k is 1 for a sample's class and 0 for the others. From 0, perfect, to 1 for one
    unit and 2 for classes: two classes have twice the value of one unit.

    y_pred: (n, 1), probabilities of class 1, with y of 0 and 1; or (n, classes) with labels (n,) or
    one-hot rows. The same as scikit-learn's brier_score_loss.

    Brier, Verification of Forecasts Expressed in Terms of Probability, 1950.
    """

    type = "brier"

    def values(self, y_pred: Array, y_true: Array) -> Array:
        """Return the squared distance of each sample's probabilities from its label."""
        p, labels = self.read(y_pred, y_true)
        squares: Array = np.square(np.subtract(p, truth_of(p, labels), dtype=np.float64)).sum(
            axis=1
        )
        return squares


@dataclass
class Bins:
    """Sums over the samples so far: number, probability and right answers, (3, bins)."""

    sums: Array


class ExpectedCalibrationError(ProbabilityMetric):
    """expected_calibration_error = sum over bins of (m_b / n) * |right_b - p_b|.

    Samples are sorted by their probability p into `bins` bins of equal width, (0, 1 / bins] and
    so on. Of the m_b samples in a bin, right_b is the share that is right and p_b the mean
    probability. With classes, p is the largest of a sample's probabilities, and it is right if that
    is its label; with one unit, p is the probability of 1, and it is right if y is 1. 0 if what is
    predicted with a probability of 70 % is right in 70 % of cases; it says nothing about accuracy.

    y_pred: (n, 1), probabilities of class 1, with y of 0 and 1; or (n, classes) with labels (n,) or
    one-hot rows. The same as torchmetrics's CalibrationError with norm "l1".

    Naeini, Cooper and Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning,
    2015; Guo et al., On Calibration of Modern Neural Networks, 2017.
    """

    type = "expected_calibration_error"
    examples = ({}, {"bins": 10})

    bins: int = Field(default=15, ge=1, le=10**6, description="number of bins of equal width")

    def start(self) -> Bins:
        """Return empty bins."""
        return Bins(np.zeros((3, self.bins)))

    def update(self, state: Bins, y_pred: Array, y_true: Array) -> None:
        """Add a batch to the bins."""
        p, labels = self.read(y_pred, y_true)
        right = labels == (1 if p.shape[1] == 1 else p.argmax(axis=1))
        confidences = p.max(axis=1)
        inner = np.linspace(0, 1, self.bins + 1)[1:-1]
        places = inner.searchsorted(confidences)  # NaN comes last
        sums = (np.bincount(places, weights, self.bins) for weights in (None, confidences, right))
        state.sums += np.stack(list(sums))

    def result(self, state: Bins) -> float:
        """Return the weighted mean of the gaps."""
        counts, confidences, right = state.sums
        n = counts.sum()
        return float(np.absolute(right - confidences).sum() / n) if n else nan


@dataclass
class Spreads:
    """The spreads of the probabilities so far, of p + y and of p - y, for each class."""

    p: Spread = field(default_factory=Spread)
    sums: Spread = field(default_factory=Spread)
    differences: Spread = field(default_factory=Spread)


class CalibrationSlope(ProbabilityMetric):
    """calibration_slope = cov(p, y) / var(p), the slope of the line through y as a function of p.

    y is 0 or 1; with classes, y_k is 1 for a sample's class and 0 for the others, and the sums over
    k of both are divided. Best at 1, where honest probabilities are; below 1 if they are too close
    to 0 and 1, above 1 if they are too close to each other. NaN if all p are equal.

    y_pred: (n, 1), probabilities of class 1, with y of 0 and 1; or (n, classes) with labels (n,) or
    one-hot rows. Two classes have the value of one unit, and that of SciPy's linregress(p, y).

    Mincer and Zarnowitz, The Evaluation of Economic Forecasts, 1969.
    """

    type = "calibration_slope"
    better = 1.0

    def start(self) -> Spreads:
        """Return empty spreads."""
        return Spreads()

    def update(self, state: Spreads, y_pred: Array, y_true: Array) -> None:
        """Add a batch."""
        p, labels = self.read(y_pred, y_true)
        truth = truth_of(p, labels)
        state.p.add(p.astype(np.float64))
        state.sums.add(np.add(p, truth, dtype=np.float64))
        state.differences.add(np.subtract(p, truth, dtype=np.float64))

    def result(self, state: Spreads) -> float:
        """Return the slope, from 4 * cov(p, y) = var(p + y) - var(p - y)."""
        spread = float(np.sum(state.p.squares))
        common = np.sum(state.sums.squares) - np.sum(state.differences.squares)
        return float(common) / (4 * spread) if spread else nan
