"""Calibrators: temperature scaling, decision thresholds, conformal intervals and sets."""

from collections.abc import Iterator
from math import ceil, isfinite
from typing import Literal

import numpy as np
from pydantic import Field

from declnet import (
    Array,
    Calibrator,
    CalibratorState,
    ColumnError,
    Diagnostic,
    Metric,
    Register,
    RunContext,
    as_loss,
    hookimpl,
)
from declnet_plugins.standard.temperature import (
    LEAST_POSITIVE,
    fitted_temperature,
    logits_of,
    probabilities_of,
)
from declnet_plugins.standard.transforms.scaling import Log

LARGEST_BOUND = 88.0
"""The largest bound with scale log; its exp is nearly the largest number of float32."""


class Temperature(Calibrator):
    """p = softmax(log(p) / temperature), or sigmoid(logit(p) / temperature) for single units.

    One number for the whole model, which minimizes the log loss of the validation data: above 1 it
    makes predictions less certain. The predicted classes remain the same, and of each sample also
    the order of the classes.

    Targets are smoothed, n / (n + 1) for the class of a sample and the rest for all classes alike,
    so that the temperature of a model without an error on n samples is not 0. The metric
    `refined_log_loss` is the log loss with this temperature. With `prior_samples`, few validation
    samples move the temperature less far from 1, as if so many more had confirmed the model.

    Guo et al., On Calibration of Modern Neural Networks, 2017. The smoothing is like Platt's,
    Probabilistic Outputs for Support Vector Machines, 1999.
    """

    type = "temperature"
    tasks = ("classes", "binary", "flags")

    prior_samples: float = Field(
        0.0, ge=0, description="samples that count as evidence for a temperature of 1"
    )

    def fit(self, y_pred: Array, y_true: Array, task: str) -> CalibratorState:
        """Find the temperature with the lowest log loss."""
        together = task == "classes"
        logits = logits_of(y_pred, together)
        temperature = fitted_temperature(logits, y_true, together, self.prior_samples)
        return {"temperature": temperature, "together": together}

    def apply(self, y_pred: Array, state: CalibratorState) -> Array:
        """Divide the logits by the temperature."""
        together = state["together"]
        return probabilities_of(logits_of(y_pred, together) / state["temperature"], together)

    def verify_state(self, state: CalibratorState) -> None:
        """Require a positive temperature."""
        temperature = state["temperature"]
        if not isinstance(temperature, float) or not (isfinite(temperature) and temperature > 0):
            raise ValueError(f"a temperature of {temperature!r}")
        if not isinstance(state["together"], bool):
            raise ValueError("together is not true or false")  # noqa: TRY004  # content of a file


MOST_THRESHOLDS = 1000
"""Thresholds to try; of more distinct predictions, those at even distances by rank."""


MOST_SHOWN = 10
"""Most thresholds to name in a summary."""


class Threshold(Calibrator):
    """The threshold with the best metric on the validation data, in place of 0.5.

    Of two classes, the second is predicted where the only unit is above it: in predictions, in
    confusion matrices, and in the run's metrics that have a threshold. It is halfway between two
    predictions. Of thresholds that are equally good, the middle one is taken. Of several units of
    yes or no, each has a separate threshold, with the best metric of its label.

    For imbalanced classes: `f1`, `matthews` or `balanced` metrics are often best far from 0.5. The
    metric sees the answers as 0 and 1. If all of the validation data have the same label, the
    threshold remains 0.5, or is what predicts this label for all of them.
    """

    type = "threshold"
    tasks = ("binary", "flags")
    takes_scores = True
    examples = ({"metric": "f1"}, {"metric": "matthews"})

    metric: Metric = Field(description="what is made as good as possible, e.g. f1")

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require a metric that says which values are better."""
        if self.metric.better is None:
            message = f'it is unknown which values of "{self.metric.type}" are better'
            yield Diagnostic(message, "choose another metric", ("metric",), "E044")

    def fit(self, y_pred: Array, y_true: Array, task: str) -> CalibratorState:
        """Compute the metric for each threshold."""
        if task == "binary":
            return {"threshold": self._best(y_pred, y_true)}
        return {
            "threshold": [self._best(*output) for output in zip(y_pred.T, y_true.T, strict=True)]
        }

    def _best(self, y_pred: Array, y_true: Array) -> float:
        """Return the best threshold for predictions and labels (n,)."""
        distinct = np.unique(y_pred)
        if not y_true.any():
            return max(float(distinct[-1]), 0.5)
        if y_true.all():
            return min(float(np.nextafter(np.float32(distinct[0]), np.float32(-np.inf))), 0.5)
        if len(distinct) == 1:
            return float(distinct[0])
        between = (distinct[1:] + distinct[:-1]) / 2
        if len(between) > MOST_THRESHOLDS:
            ranks = np.linspace(0, len(between) - 1, MOST_THRESHOLDS)
            between = between[ranks.round().astype(np.intp)]
        better = "higher" if self.metric.better is None else self.metric.better
        losses = [
            as_loss(self._metric_of(y_pred > threshold, y_true), better) for threshold in between
        ]
        best = np.flatnonzero(losses == np.nanmin(losses))
        return float(between[best[len(best) // 2]])

    def _metric_of(self, answers: Array, y_true: Array) -> float:
        """Return the metric of answers of yes or no, whatever threshold it has itself."""
        metric, state = self.metric, self.metric.start()
        if "threshold" in type(metric).model_fields:
            metric = metric.model_copy(update={"threshold": 0.5})
        metric.update(state, answers[:, None].astype(float), y_true)
        return metric.result(state)

    def threshold(self, state: CalibratorState) -> float | Array:
        """Return the best threshold, or the best one of each unit, (outputs,)."""
        best = state["threshold"]
        return np.array(best) if isinstance(best, list) else best

    def verify_state(self, state: CalibratorState) -> None:
        """Require a finite number, or several."""
        best = state["threshold"]
        for threshold in best if isinstance(best, list) else [best]:
            if not isinstance(threshold, float) or not isfinite(threshold):
                raise ValueError(f"a threshold of {threshold!r}")

    def summary(self, state: CalibratorState) -> str:
        """Return the threshold, or the thresholds of the first units, with the metric."""
        thresholds = np.atleast_1d(state["threshold"])
        several = "s" if len(thresholds) > 1 else ""
        shown = ", ".join(f"{threshold:.4g}" for threshold in thresholds[:MOST_SHOWN])
        more = f" and {len(thresholds) - MOST_SHOWN} more" if len(thresholds) > MOST_SHOWN else ""
        return f"threshold{several} {shown}{more} for {self.metric.label}"


class Conformal(Calibrator):
    """Intervals and sets that hold the target of at least the share `coverage` of new samples.

    Split conformal prediction: how wrong each prediction for the n validation samples is, is a
    score, and the ceil((n + 1) * coverage)-th smallest score is the limit for new samples. If these
    come from the same distribution as the validation data, and the model did not learn from it, the
    coverage is between `coverage` and coverage + 1 / (n + 1) on average.

    Values: the score is |y - prediction|, apart for each value of a sample, and the intervals are
    prediction ± limit. Of several predicted quantiles, the score is how far y is outside of the
    lowest and the highest one, negative inside, and the intervals reach from the lowest - limit to
    the highest + limit: conformalized quantile regression, whose widths follow the sample.

    With scale "log", all of this is done with log(y + shift) and log(prediction + shift), and exp
    of the bounds, minus shift, are the intervals: (prediction + shift) / factor - shift to
    (prediction + shift) * factor - shift. They are as wide as the prediction is large, and never
    reach below -shift. The promise is the same, because it holds for any score that depends only on
    the sample and a model that did not learn from it: the scores are as exchangeable as the samples
    (Angelopoulos and Bates, theorem 1). A prediction that is not above -shift counts as the least
    number that is; a target of the validation data that is not is an error before the training.

    Classes: with method "lac" the score is 1 - p of the true class, which gives the smallest sets
    on average; with "aps" it is the sum of the probabilities from the largest to the true class's,
    which gives larger sets to uncertain samples. A set may be empty: no class is likely enough.

    Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005; Lei et al.,
    Distribution-Free Predictive Inference for Regression, 2018; Romano, Patterson and Candès,
    Conformalized Quantile Regression, 2019; Sadinle, Lei and Wasserman, Least Ambiguous Set-Valued
    Classifiers, 2019; Romano, Sesia and Candès, Classification with Valid and Adaptive Coverage,
    2020 (without randomization); Angelopoulos and Bates, A Gentle Introduction to Conformal
    Prediction and Distribution-Free Uncertainty Quantification, 2021.
    """

    type = "conformal"
    tasks = ("classes", "binary", "values")
    takes_quantiles = True
    examples = (
        {},
        {"coverage": 0.8},
        {"method": "aps"},
        {"scale": "log"},
        {"scale": "log", "shift": 1.0},
    )

    coverage: float = Field(
        default=0.9, gt=0, lt=1, description="the share of targets to hold, e.g. 0.9"
    )
    method: Literal["lac", "aps"] = Field(
        default="lac", description="the score of classes: least ambiguous or adaptive sets"
    )
    scale: Literal["values", "log"] = Field(
        default="values",
        description="where errors of numbers are measured: log for positive, skewed targets",
    )
    shift: float = Field(
        default=0.0, ge=0, description="what scale log adds first, as the transform log does"
    )

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Report keys that change nothing."""
        if self.scale == "log" and context.loss is not None and context.loss.targets != "values":
            message = 'scale = "log" is for intervals of numbers, but the targets are classes'
            yield Diagnostic(message, "remove this key", ("scale",), "E044")
        if self.shift and self.scale != "log":
            message = 'shift is what scale = "log" adds, but the scale is "values"'
            yield Diagnostic(message, 'add scale = "log", or remove this key', ("shift",), "E044")

    def least_samples(self) -> int:
        """Return the least n with ceil((n + 1) * coverage) <= n."""
        return ceil(self.coverage / (1 - self.coverage) - 1e-9)

    def fit(self, y_pred: Array, y_true: Array, task: str) -> CalibratorState:
        """Find the limit of the scores."""
        if task != "values":
            held = self._class_scores(_distributions(y_pred))
            scores = np.take_along_axis(held, y_true[:, None].astype(np.intp), axis=1)[:, 0]
            return {"limit": float(self._limit(scores))}
        y_pred, y_true = self._scaled(y_pred), self._scaled(y_true)
        if y_pred.shape == y_true.shape:
            return {"limit": self._limit(np.abs(y_true - y_pred)), "quantiles": False}
        below, above = y_pred.min(axis=1) - y_true, y_true - y_pred.max(axis=1)
        return {"limit": self._limit(np.maximum(below, above)), "quantiles": True}

    def _limit(self, scores: Array) -> Array:
        """Return the limit of scores (n, …), for each column."""
        rank = ceil((len(scores) + 1) * self.coverage - 1e-9)
        limit: Array = np.sort(scores, axis=0)[min(rank, len(scores)) - 1]
        return limit

    def _class_scores(self, p: Array) -> Array:
        """Return the score that each class would have as the true one, (n, classes)."""
        if self.method == "lac":
            scores: Array = 1 - p
            return scores
        order = np.argsort(-p, axis=1, kind="stable")
        sums = np.cumsum(np.take_along_axis(p, order, axis=1), axis=1)
        scores = np.empty_like(p)
        np.put_along_axis(scores, order, sums, axis=1)
        return scores

    def intervals(self, y_pred: Array, state: CalibratorState) -> tuple[Array, Array]:
        """Return predictions ± limit on the scale, or the outer quantiles, moved by it."""
        low = high = self._scaled(y_pred)
        if state["quantiles"]:
            low, high = low.min(axis=1), high.max(axis=1)
        lower, upper = low - state["limit"], high + state["limit"]
        middle = (lower + upper) / 2  # a negative limit may be more than half of the width
        lower, upper = np.minimum(lower, middle), np.maximum(upper, middle)
        return self._unscaled(lower), self._unscaled(upper)

    def _scaled(self, y: Array) -> Array:
        """Return numbers where errors are measured, always finite."""
        if self.scale == "values":
            return y
        logarithms: Array = np.log(np.maximum(y + self.shift, LEAST_POSITIVE))
        return logarithms

    def _unscaled(self, y: Array) -> Array:
        """Return the inverse of `_scaled`, also finite."""
        if self.scale == "values":
            return y
        values: Array = np.exp(np.minimum(y, LARGEST_BOUND)) - self.shift
        return values

    def sets(self, y_pred: Array, state: CalibratorState) -> Array:
        """Return the classes whose score is within the limit."""
        held: Array = self._class_scores(_distributions(y_pred)) <= state["limit"]
        return held

    def promised_coverage(self) -> float:
        """Return `coverage`."""
        return self.coverage

    def verify_targets(self, y_true: Array) -> None:
        """Require targets that have logarithms, with scale "log"."""
        if self.scale == "log":
            try:
                Log(shift=self.shift).apply(y_true, {})
            except ColumnError as error:
                hint = 'raise shift, or use scale = "values"'
                raise ColumnError(error.message, error.row, hint) from None

    def verify_state(self, state: CalibratorState) -> None:
        """Require finite limits."""
        if not np.isfinite(np.asarray(state["limit"], float)).all():
            raise ValueError(f"a limit of {state['limit']!r}")

    def summary(self, state: CalibratorState) -> str:
        """Return the coverage with the limit or the factor, of several values the largest one."""
        limit, name = np.max(state["limit"]), "limit"
        if self.scale == "log":
            limit, name = np.exp(np.minimum(limit, LARGEST_BOUND)), "factor"
        return f"conformal {self.coverage:.4g}, {name} {float(limit):.4g}"


def _distributions(y_pred: Array) -> Array:
    """Return probabilities (n, classes), given these or the second of two classes', (n,)."""
    return np.stack([1 - y_pred, y_pred], axis=1) if y_pred.ndim == 1 else y_pred


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the calibrators."""
    for calibrator in (Temperature, Threshold, Conformal):
        register.lazily("calibrator", calibrator.type, __name__)
