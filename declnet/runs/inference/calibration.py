"""Fitted calibrations: how they complete predictions, and how they are stored with a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Annotated, Self

import numpy as np
from pydantic import AfterValidator

from declnet.contracts.arrays import Array, read_only
from declnet.contracts.returned import verified
from declnet.contracts.runs.calibrator import (
    GIVES,
    Calibrator,
    CalibratorState,
    Thresholds,
    threshold_of,
)
from declnet.contracts.serialization import verify_state
from declnet.errors import DataError
from declnet.registry.registry import Registry
from declnet.runs.inference.predictions import OutputReading, Predictions
from declnet.spec.heads import Head
from declnet.stored import Stored, require_format
from declnet.training.checks.calibration import require_quantiles
from declnet.training.metrics import Unscale

FORM = 1
"""Format version of the file, raised whenever older readers could not read it."""


@dataclass(frozen=True, eq=False)
class FittedStep:
    """A calibrator with what it learned."""

    calibrator: Calibrator
    state: CalibratorState


@dataclass(frozen=True, eq=False)
class FittedCalibration:
    """The fitted steps of one loss, which complete its predictions.

    Outputs are predictions as metrics take them, (n, *shape).

    Attributes:
        steps: the steps, in the order in which they are applied.
        reading: how to interpret the predictions.
        samples: the number of validation samples that they were fitted to.
    """

    steps: tuple[FittedStep, ...]
    reading: OutputReading
    samples: int

    @classmethod
    def fitted(cls, head: Head, reading: OutputReading, outputs: Array, y: Array) -> Self:
        """Fit the steps of a loss to predictions and targets of the validation data."""
        y_pred = _as_task(reading, outputs)
        y_true = _targets(reading, y, y_pred)
        steps = []
        for calibrator in head.calibration.values():
            if y_true.ndim < y_pred.ndim and reading.task == "values":
                require_quantiles(calibrator, y_pred[:1].size, 1)
            y_pred, y_true = read_only(y_pred), read_only(y_true)
            state = verified(Calibrator.fit, calibrator, y_pred, y_true, reading.task)
            steps.append(FittedStep(calibrator, state))
            if "apply" in calibrator.gives():
                y_pred = _applied(steps[-1], y_pred)
        return cls(tuple(steps), reading, len(outputs))

    @property
    def changes_predictions(self) -> bool:
        """Whether a step changes predictions, rather than adding something to them."""
        return bool(self._by_method["apply"])

    @property
    def threshold(self) -> Thresholds | None:
        """The value above which the second of two classes is predicted, if a step chose it.

        Of several yes-or-no units, it may be one for each.
        """
        step = self._giving("threshold")
        if step is None:
            return None
        units = self.reading.outputs if self.reading.task == "flags" else 1
        return threshold_of(step.calibrator, step.state, units)

    @property
    def promised_coverage(self) -> float | None:
        """The share of targets that the intervals or sets should hold, if there are any."""
        step = self._giving("sets" if self.reading.task != "values" else "intervals")
        if step is None:
            return None
        return verified(Calibrator.promised_coverage, step.calibrator)

    def summaries(self) -> list[str]:
        """Return a sentence for each step that says what it learned."""
        return [verified(Calibrator.summary, step.calibrator, step.state) for step in self.steps]

    def apply(self, outputs: Array) -> Array:
        """Return the calibrated predictions, of the same shape and type.

        With one that is NaN or infinite they are returned unchanged: that is the caller's error to
        raise, with the row, and no calibrator's.
        """
        if not np.isfinite(outputs).all():
            return outputs
        y_pred = _as_task(self.reading, outputs)
        for step in self._by_method["apply"]:
            y_pred = _applied(step, y_pred)
        return y_pred.reshape(outputs.shape).astype(outputs.dtype, copy=False)

    def intervals(self, outputs: Array) -> tuple[Array, Array] | None:
        """Return lower and upper bounds of values for calibrated predictions, if a step gives them.

        They have the shape (n,) or (n, *shape) and the type of the predictions.
        """
        step = self._giving("intervals")
        if step is None or self.reading.task != "values":
            return None
        y_pred = read_only(_as_task(self.reading, outputs))
        lower, upper = verified(Calibrator.intervals, step.calibrator, y_pred, step.state)
        dtype = outputs.dtype
        return lower.astype(dtype, copy=False), upper.astype(dtype, copy=False)

    def sets(self, outputs: Array) -> Array | None:
        """Return the sets (n, classes) for calibrated predictions, if a step gives them."""
        step = self._giving("sets")
        if step is None or self.reading.classes is None:
            return None
        y_pred = read_only(_as_task(self.reading, outputs))
        return verified(Calibrator.sets, step.calibrator, y_pred, step.state)

    def completed(self, predictions: Predictions) -> Predictions:
        """Return predictions with their intervals or sets, if they are finite."""
        adds_limits = self._by_method["intervals"] or self._by_method["sets"]
        if not adds_limits or not np.isfinite(predictions.outputs).all():
            return predictions
        bounds, sets = self.intervals(predictions.outputs), self.sets(predictions.outputs)
        lower, upper = bounds if bounds is not None else (None, None)
        return replace(predictions, lower=lower, upper=upper, sets=sets)

    @cached_property
    def _by_method(self) -> Mapping[str, tuple[FittedStep, ...]]:
        """The steps that implement each of a calibrator's methods, which every prediction needs."""
        return {
            method: tuple(step for step in self.steps if method in step.calibrator.gives())
            for method in GIVES
        }

    def _giving(self, method: str) -> FittedStep | None:
        return next(iter(self._by_method[method]), None)


@dataclass(frozen=True, eq=False)
class JointCalibration(FittedCalibration):
    """The calibrations of the models of an ensemble, for their averaged predictions.

    Each model's predictions are calibrated before they are averaged. The limits of each are then
    applied to the average, which errs less than single models on the whole: of the bounds and the
    thresholds the medians are taken, of the sets the majority.

    Gasparin and Ramdas, Merging Uncertainty Sets via Majority Vote, 2024.

    Attributes:
        members: the calibrations of the models.
    """

    members: tuple[FittedCalibration, ...] = ()

    @classmethod
    def from_members(cls, members: Sequence[FittedCalibration]) -> Self:
        """Return the calibrations of at least one model as one."""
        samples = sum(member.samples for member in members)
        return cls(members[0].steps, members[0].reading, samples, tuple(members))

    @property
    def threshold(self) -> Thresholds | None:
        """The median of the models' thresholds, if a step chose them."""
        thresholds = [member.threshold for member in self.members]
        known = np.broadcast_arrays(
            *(threshold for threshold in thresholds if threshold is not None)
        )
        if not known:
            return None
        median = np.median(known, axis=0)
        return tuple(median.tolist()) if median.ndim else float(median)

    def summaries(self) -> list[str]:
        """Return a sentence for each step of each model that says what it learned."""
        by_step = zip(*(member.summaries() for member in self.members), strict=True)
        return [summary for summaries in by_step for summary in dict.fromkeys(summaries)]

    def apply(self, outputs: Array) -> Array:
        """Return averaged predictions, which are calibrated already."""
        return outputs

    def intervals(self, outputs: Array) -> tuple[Array, Array] | None:
        """Return the medians of the bounds that the models' limits give, if a step gives them."""
        bounds = [member.intervals(outputs) for member in self.members]
        known = [bound for bound in bounds if bound is not None]
        if not known:
            return None
        lower, upper = (
            np.median(bound, axis=0).astype(outputs.dtype) for bound in zip(*known, strict=True)
        )
        return lower, upper

    def sets(self, outputs: Array) -> Array | None:
        """Return the classes that most of the models' limits hold, if a step gives sets."""
        sets = [member.sets(outputs) for member in self.members]
        known = [of_member for of_member in sets if of_member is not None]
        return np.mean(known, axis=0) > 0.5 if known else None


Calibrations = Mapping[str, FittedCalibration]
"""The fitted calibrations by the name of their loss; `""` for the only one."""


def calibrating(
    heads: Sequence[Head], calibrations: Calibrations, unscale: Mapping[int, Unscale]
) -> dict[int, Unscale]:
    """Return, for each loss, how its predictions get the units of y and are calibrated."""
    finish = dict(unscale)
    for number, head in enumerate(heads):
        calibration = calibrations.get(head.name)
        if calibration is not None and calibration.changes_predictions:
            finish[number] = _chained(unscale.get(number), calibration.apply)
    return finish


def _chained(first: Unscale | None, then: Unscale) -> Unscale:
    return then if first is None else partial(_both, first, then)


def _both(first: Unscale, then: Unscale, y_pred: Array) -> Array:
    return then(first(y_pred))


def thresholded(heads: Sequence[Head], calibrations: Calibrations) -> tuple[Head, ...]:
    """Return the losses with the chosen threshold in each metric that has one."""
    return tuple(_thresholded(head, calibrations.get(head.name)) for head in heads)


def _thresholded(head: Head, calibration: FittedCalibration | None) -> Head:
    threshold = calibration.threshold if calibration is not None else None
    if threshold is None:
        return head
    metrics = {
        position: metric.model_copy(update={"threshold": threshold})
        if isinstance(getattr(metric, "threshold", None), float | tuple)
        else metric
        for position, metric in head.metrics.items()
    }
    return replace(head, metrics=metrics)


def _applied(step: FittedStep, y_pred: Array) -> Array:
    return verified(Calibrator.apply, step.calibrator, read_only(y_pred), step.state)


def _as_task(reading: OutputReading, outputs: Array) -> Array:
    """Return predictions as calibrators take them: float64, of the task's shape."""
    y_pred = outputs.astype(np.float64)
    if reading.task == "flags":
        return y_pred.reshape(len(y_pred), -1)
    return y_pred.reshape(-1) if reading.outputs == 1 and reading.task != "classes" else y_pred


def _targets(reading: OutputReading, y: Array, y_pred: Array) -> Array:
    """Return targets as calibrators take them.

    Raises:
        DataError: a sample has several values, but another number of predictions.
    """
    if reading.task != "values":
        return reading.true_labels(y)
    values = y.astype(np.float64)
    if values.size == y_pred.size:
        return values.reshape(y_pred.shape)
    if values.size == len(y_pred):
        return values.reshape(-1)
    message = f"{y_pred[:1].size} numbers are predicted for {values[:1].size} values of a sample"
    raise DataError(f"{message}, so they cannot be calibrated", code="E052")


@dataclass(frozen=True, eq=False)
class _StoredCalibration:
    """The calibration of a loss as it is stored."""

    samples: int
    steps: tuple[FittedStep, ...]


@dataclass(frozen=True, eq=False)
class _CalibrationFile:
    form: Annotated[int, AfterValidator(partial(require_format, FORM))]
    losses: Mapping[str, _StoredCalibration]


_FILE = Stored[_CalibrationFile](_CalibrationFile)


def stored(calibrations: Calibrations) -> bytes:
    """Return calibrations as the content of a file; numbers are exact."""
    losses = {
        name: _StoredCalibration(calibration.samples, calibration.steps)
        for name, calibration in calibrations.items()
    }
    return _FILE.write(_CalibrationFile(FORM, losses))


def restored(
    content: bytes, heads: Sequence[Head], readings: Sequence[OutputReading], registry: Registry
) -> dict[str, FittedCalibration]:
    """Return the calibrations that `stored` converted.

    Raises:
        ValueError: the content was not written by `stored`, or for other steps.
    """
    losses = _FILE.parse(content, registry=registry).losses
    declared = {head.name: [*head.calibration.values()] for head in heads if head.calibration}
    calibrators = {name: [step.calibrator for step in loss.steps] for name, loss in losses.items()}
    if calibrators != declared:
        raise ValueError("its losses and their calibrators differ from the spec's")
    for name, loss in losses.items():
        for number, step in enumerate(loss.steps):
            verify_state(step.calibrator, step.state, f"losses.{name}.steps.{number}.state")
    return {
        head.name: FittedCalibration(losses[head.name].steps, reading, losses[head.name].samples)
        for head, reading in zip(heads, readings, strict=True)
        if head.calibration
    }


class CollectedPredictions:
    """The predictions and targets of a data set, collected batch by batch."""

    def __init__(self) -> None:
        self._batches: list[tuple[Array, Array]] = []

    def add(self, y_pred: Array, y: Array) -> None:
        """Keep a copy of a batch."""
        self._batches.append((y_pred.copy(), y.copy()))

    def joined(self) -> tuple[Array, Array]:
        """Return the predictions and the targets of all batches."""
        predictions, targets = zip(*self._batches, strict=True)
        return np.concatenate(predictions), np.concatenate(targets)
