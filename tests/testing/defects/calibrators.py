"""Calibrators with one defect each."""

from math import ceil

import numpy as np
from pydantic import Field

from declnet import Calibrator


class SquaredProbabilities(Calibrator):
    """The result for a single sample has lost its first axis (np.squeeze)."""

    type = "squared_probabilities"
    tasks = ("classes",)

    def fit(self, y_pred, y_true, task):
        return {"power": 2.0}

    def apply(self, y_pred, state):
        powers = np.squeeze(y_pred) ** state["power"]
        return powers / powers.sum(axis=-1, keepdims=True)


class ByFrequency(Calibrator):
    """It returns the classes in the order of their frequency, not in the order of the input."""

    type = "by_frequency"
    tasks = ("classes",)

    def fit(self, y_pred, y_true, task):
        counts = np.bincount(y_true, minlength=y_pred.shape[1])
        return {"order": np.argsort(-counts, kind="stable"), "power": 1.2}

    def apply(self, y_pred, state):
        powers = (y_pred ** state["power"])[:, state["order"]]
        return powers / powers.sum(axis=1, keepdims=True)


class TenBins(Calibrator):
    """A bin without a prediction has the mean 0 / 0."""

    type = "ten_bins"
    tasks = ("binary",)

    def fit(self, y_pred, y_true, task):
        counts = np.bincount(self.bins(y_pred), minlength=10)
        sums = np.bincount(self.bins(y_pred), weights=y_true, minlength=10)
        with np.errstate(invalid="ignore"):
            return {"means": sums / counts}

    def apply(self, y_pred, state):
        return state["means"][self.bins(y_pred)]

    def bins(self, y_pred):
        return np.minimum((y_pred * 10).astype(int), 9)


class Margin(Calibrator):
    """The rank omits the new sample, so small calibration sets cover less than promised."""

    type = "margin"
    tasks = ("values",)
    examples = ({}, {"coverage": 0.5})

    coverage: float = Field(default=0.8, gt=0, lt=1, description="share of values in the range")

    def least_samples(self):
        return ceil(self.coverage / (1 - self.coverage) - 1e-9)

    def fit(self, y_pred, y_true, task):
        errors = np.sort(np.abs(y_true - y_pred), axis=0)
        return {"width": errors[max(int(len(errors) * self.coverage) - 1, 0)]}

    def intervals(self, y_pred, state):
        return y_pred - state["width"], y_pred + state["width"]

    def promised_coverage(self):
        return self.coverage


DEFECTS = (
    ("A", SquaredProbabilities),
    ("A", ByFrequency),
    ("B", TenBins),
    ("B", Margin),
)
