"""Evaluation of a run's model on labeled data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, read_only
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.network.inputs import as_arrays
from declnet.contracts.runs.calibrator import Thresholds
from declnet.data.sources.loading import guarded
from declnet.display.displayed import Displayed
from declnet.display.tables import ResultTable
from declnet.errors import DataError, SampleName
from declnet.runs.inference.calibration import FittedCalibration, thresholded
from declnet.runs.inference.member import LabeledPart, Member
from declnet.runs.inference.observing import (
    MOST_STREAMED,
    Observed,
    References,
    joined_parts_of,
    never_predicted,
)
from declnet.runs.inference.predictions import OutputReading, require_finite
from declnet.runs.inference.predictor import Predictor
from declnet.runs.inference.reliability import Coverage, Reliability
from declnet.runs.inference.scores import ClassCounts, ConfusionMatrix, ValueErrors
from declnet.runs.storage.documents import Baseline
from declnet.spec.heads import Head
from declnet.training.evaluation import BatchLosses
from declnet.training.metrics import MetricAccumulator, Unscale, losses_of
from declnet.training.preparation import ReadyData, targets_for, unscaling


@dataclass(frozen=True, eq=False)
class CalibrationResult(Displayed):
    """The state that calibrators learned from the validation data, and their effect on some data.

    Attributes:
        steps: what each step learned, in words.
        samples: the number of validation samples that they were fitted to.
        before: the log loss and the expected calibration error without them; None unless they
            change probabilities.
        after: the same with them.
        coverage: `coverage`, the share of targets that intervals or sets hold; `promised`, if they
            promise one; and `mean_width` or `mean_set_size`. None without intervals and sets.
        threshold: the value above which the second of two classes is predicted, if one was chosen;
            of several binary outputs, it may be one for each.
    """

    steps: tuple[str, ...]
    samples: int
    before: dict[str, float] | None = None
    after: dict[str, float] | None = None
    coverage: dict[str, float] | None = None
    threshold: Thresholds | None = None

    def displayed(self) -> Iterable[object]:
        """Return what the calibrators learned, and what they do."""
        from declnet.runs.display.result_tables import calibration_table

        return (calibration_table(self),)

    def as_data(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        data = {field.name: getattr(self, field.name) for field in fields(self)}
        known = {name: value for name, value in data.items() if value is not None}
        return {**known, "steps": list(self.steps)}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The performance of a model on some data.

    Attributes:
        data: the name of the data set or file.
        samples: number of samples.
        metrics: the loss, its parts and the run's metrics; the mean predictions of several members
            have no loss.
        class_names: class names in the order of the counts; None for values.
        counts: (true class, predicted class); (outputs, 2, 2) for several binary outputs; None
            for values.
        errors: r2 and the errors of values; None for classes and, e.g., for quantiles.
        baseline: the metrics and errors of the best constant prediction; None if there is none, or
            the data has more than 8 million targets.
        references: the metrics of forecasts that the data declares, such as seasonal naive ones.
        warnings: what is wrong with the predictions, e.g. a class that is never predicted, or
            which part of the data is left out.
        heads: for several losses, the performance of each by its name, with its metrics by their
            own names, e.g. `loss`; `class_names` to `baseline` are then given only there.
        calibration: what the run's calibrators learned, and what they do on this data; None if
            there are none.
    """

    data: str
    samples: int
    metrics: dict[str, float]
    class_names: tuple[str, ...] | None = None
    counts: Array | None = None
    errors: dict[str, float] | None = None
    baseline: Baseline | None = None
    warnings: tuple[str, ...] = ()
    heads: Mapping[str, Evaluation] = field(default_factory=dict)
    calibration: CalibrationResult | None = None
    references: tuple[Baseline, ...] = ()

    def by_class(self) -> list[dict[str, Any]]:
        """Return precision, recall, F1 and number of samples (support) of each class, if any.

        For several binary outputs, these are the scores of the positive class of each output.
        """
        if self.counts is None:
            return []
        if self.counts.ndim == 3:
            matrices = map(ConfusionMatrix, self.counts)
            return [_row(f"output {n}", matrix, 1) for n, matrix in enumerate(matrices, start=1)]
        matrix = ConfusionMatrix(self.counts)
        return [_row(name, matrix, index) for index, name in enumerate(self.class_names or ())]

    def warned(self, *, unchanged: bool) -> Evaluation:
        """Return the evaluation with a warning if its data is not what the runs saw."""
        if unchanged:
            return self
        warning = f"the {self.data} data has changed since the run (it has another hash)"
        return replace(self, warnings=(*self.warnings, warning))

    def tables(self) -> dict[str, ResultTable]:
        """Return the tables of the results; with several losses, `heads` has each loss's tables.

        `metrics`, also of the baseline; `calibration`; the scores `by class`; and
        `confusion`, the matrix or, of more than 30 classes, the pairs confused most often.
        """
        from declnet.runs.display.result_tables import evaluation_tables

        return evaluation_tables(self)

    def _repr_html_(self) -> str:
        from declnet.runs.display.results import evaluation_view

        return evaluation_view(self)

    def as_data(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        data: dict[str, Any] = {
            "data": self.data,
            "samples": self.samples,
            "metrics": self.metrics,
        }
        if self.baseline is not None:
            about = vars(self.baseline).items()
            data["baseline"] = {key: value for key, value in about if value or key != "others"}
        if self.references:
            data["references"] = [
                {"prediction": one.prediction, "metrics": one.metrics} for one in self.references
            ]
        if self.warnings:
            data["warnings"] = list(self.warnings)
        if self.errors is not None:
            data["errors"] = self.errors
        if self.counts is not None:
            if self.class_names is not None:
                data["class_names"] = list(self.class_names)
            data["confusion_matrix"] = self.counts.tolist()
            data["by_class"] = self.by_class()
        if self.calibration is not None:
            data["calibration"] = self.calibration.as_data()
        if self.heads:
            data["losses"] = {name: evaluation.as_data() for name, evaluation in self.heads.items()}
        return data


def evaluate_parts(predictor: Predictor, parts: Iterable[LabeledPart], data: str) -> Evaluation:
    """Evaluate a model on data in parts, of which only the targets stay in memory.

    The mean predictions of several members have no loss, which may take something else, e.g.
    logits, or targets as a member's preparation scales them.

    Args:
        predictor: the run's predictor.
        parts: the prepared data with targets, each with a function that names its samples.
        data: the data's name.

    Raises:
        DataError: the data does not fit the model or is empty, or a prediction is NaN or infinite.
    """
    return evaluate_each([(predictor, parts)], data)


def evaluate_each(
    models: Sequence[tuple[Predictor, Iterable[LabeledPart]]],
    data: str,
    reader: Predictor | None = None,
) -> Evaluation:
    """Evaluate predictors, each on its own data, as if one had made all predictions.

    Args:
        models: at least one predictor, each with its parts as for `evaluate_parts`.
        data: the data's name.
        reader: the predictor that all of them stand for, which has e.g. the threshold in the
            result; default: the first one.

    Raises:
        DataError: as `evaluate_parts` does.
    """
    evaluator = _Evaluator(reader or models[0][0], data)
    for predictor, parts in models:
        evaluator.use(predictor)
        for part in parts:
            evaluator.add(part)
    return evaluator.result()


class _Evaluator:
    """The losses, metrics and counts over the parts of some data; several members have no losses.

    Args:
        reader: the predictor that all predictors stand for.
        data: the data's name.
    """

    def __init__(self, reader: Predictor, data: str) -> None:
        self._reader, self._data = reader, data
        self._counts = [_LossCounts(reading) for reading in reader.readings]
        watches = [partial(self._count, number) for number in range(len(reader.heads))]
        self._metrics = MetricAccumulator(reader.heads, None, watches)
        self._samples = self._first = 0  # of all parts; before the current part
        self._warnings: tuple[str, ...] = ()
        self._references: list[References] = []
        self._has_losses = True

    def use(self, predictor: Predictor) -> None:
        """Evaluate the parts that follow with a predictor, which has its own thresholds."""
        self._predictor = predictor
        heads = thresholded(self._reader.heads, predictor.calibrations)
        if len(predictor.members) > 1:
            self._metrics.use(heads)
            self._has_losses = False
            return
        member = predictor.members[0]
        finish = unscaling(heads, member.preparation)
        for number, (head, counts) in enumerate(zip(heads, self._counts, strict=True)):
            calibration = member.calibrations.get(head.name)
            if calibration is not None:
                finish[number] = counts.calibrating(calibration, finish.get(number))
        self._metrics.use(heads, finish)
        self._batches = BatchLosses(member.model, heads, member.model.samples_at_once)

    def add(self, part: LabeledPart) -> None:
        """Add the samples of a part."""
        self._first, self._name_sample = self._samples, part.name_sample
        if part.warning is not None:
            self._warnings += (f"{self._data}: {part.warning}",)
        members, first = self._predictor.members, part.samples[0]
        self._references.append(first.references)
        if len(members) == 1:
            recorded, start = next(iter(part.recorded), None), 0
            for dataset in first.parts(self._predictor.samples_in_part):
                with np.errstate(all="ignore"):
                    ready = ready_part(dataset, members[0], self._data)
                rows, start = slice(start, start + len(ready)), start + len(ready)
                y_preds = None if recorded is None else [y[rows] for y in recorded.values()]
                self._batches.add_to(self._metrics, ready, y_preds)
            return
        samples = [as_arrays(dataset.inputs) for dataset in part.samples]
        calibrations = self._predictor.calibrations
        outputs = raw = self._predictor.outputs(samples, part.recorded)
        if calibrations:
            raw = self._predictor.outputs(samples, part.recorded, calibrated=False)
        for number, head in enumerate(self._reader.heads):
            calibration = calibrations.get(head.name)
            if calibration is not None:
                self._counts[number].calibrating(calibration, None)(raw[head.name])
            y = true_targets(head, first, members[0], self._data)
            self._metrics.add_predictions(number, outputs[head.name], y)

    def _count(self, number: int, y_pred: Array, y: Array) -> None:
        """Count the predictions and targets of a batch for one of the losses."""
        require_finite(y_pred, self._name_in_data)
        self._counts[number].add(y_pred, y, self._predictor.readings[number])
        if number == len(self._counts) - 1:
            self._samples += len(y)

    def _name_in_data(self, position: int) -> SampleName:
        text, number = self._name_sample(self._samples - self._first + position)
        return SampleName(f"{self._data}: {text}", number)

    def result(self) -> Evaluation:
        """Return the performance on all parts; raise DataError if they have no samples."""
        data, samples, calibrations = self._data, self._samples, self._reader.calibrations
        if not samples:
            raise DataError(f"{data}: there are no samples")
        metrics = self._metrics.result()
        if not self._has_losses:  # or only of the parts that one model predicts
            metrics = {
                name: value
                for name, value in metrics.items()
                if name not in losses_of(self._reader.heads)
            }
        heads = {}
        for head, counts in zip(self._reader.heads, self._counts, strict=True):
            label = f"{data}: {head.name}" if head.name else data
            calibration = calibrations.get(head.name)
            evaluation = counts.evaluation(head, label, metrics, calibration)
            references = counts.observed.references(head, joined_parts_of(self._references))
            heads[head.name] = replace(evaluation, references=tuple(references.values()))
        if "" not in heads:
            return Evaluation(data, samples, metrics, warnings=self._warnings, heads=heads)
        return replace(heads[""], warnings=(*self._warnings, *heads[""].warnings))


class _LossCounts:
    """The counts over the predictions for one loss."""

    def __init__(self, reading: OutputReading) -> None:
        self._reading, self.observed = reading, Observed(reading, MOST_STREAMED)
        self._counts = ClassCounts(reading) if reading.task != "values" else None
        self._errors, self._samples = ValueErrors(), 0
        self._effect: _CalibrationEffect | None = None

    def calibrating(self, calibration: FittedCalibration, unscale: Unscale | None) -> Unscale:
        """Return how the predictions of the samples that follow are finished, before each batch."""
        if self._effect is None:
            self._effect = _CalibrationEffect(self._reading, calibration)
        self._effect.calibration = calibration
        return partial(self._effect.calibrated, unscale)

    def add(self, y_pred: Array, y: Array, reading: OutputReading) -> None:
        if self._effect is not None:
            self._effect.add(y_pred, y)
        if self._counts is None:
            self._errors.add(y_pred, y)
        else:
            self._counts.add(y_pred, y, reading)
        self.observed.add(y_pred, y, reading)
        self._samples += len(y)

    def evaluation(
        self,
        head: Head,
        data: str,
        metrics: dict[str, float],
        calibration: FittedCalibration | None,
    ) -> Evaluation:
        """Return what was counted, with the metrics of this loss out of all."""
        of_loss = metrics
        if head.name:
            labels = ("loss", *(metric.label for metric in head.metrics.values()))
            of_loss = {
                label: metrics[head.label(label)]
                for label in labels
                if head.label(label) in metrics
            }
        observed, baseline = self.observed, self.observed.baseline(head.metrics.values())
        evaluation = Evaluation(data, self._samples, of_loss, baseline=baseline)
        if self._effect is not None and calibration is not None:
            evaluation = replace(evaluation, calibration=self._effect.result(calibration))
        if self._counts is None:
            if baseline is not None:
                constant = ValueErrors()
                observed.compare_constant(constant.add)
                for name, value in constant.result().items():
                    baseline.metrics.setdefault(name, value)
            return replace(evaluation, errors=self._errors.result() or None)
        names = self._reading.class_names
        warning = never_predicted(observed.true, observed.predicted, names)
        warnings = (warning,) if warning is not None else ()
        counts = self._counts.counts
        return replace(evaluation, class_names=names, counts=counts, warnings=warnings)


class _CalibrationEffect:
    """The effect of calibrators over the predictions for one loss."""

    def __init__(self, reading: OutputReading, calibration: FittedCalibration) -> None:
        self._reading, self.calibration = reading, calibration
        changed = calibration.changes_predictions and reading.task != "values"
        shown = changed and not reading.scores
        self._before = Reliability(reading) if shown else None
        self._after = Reliability(reading) if shown else None
        self._coverage = Coverage()
        self._raw: Array = np.zeros(0)

    def calibrated(self, unscale: Unscale | None, y_pred: Array) -> Array:
        """Return calibrated predictions; their batch is added next."""
        self._raw = y_pred = unscale(y_pred) if unscale is not None else y_pred
        changes = self.calibration.changes_predictions
        return self.calibration.apply(y_pred) if changes else y_pred

    def add(self, y_pred: Array, y: Array) -> None:
        if self._before is not None and self._after is not None:
            self._before.add(self._raw, y)
            self._after.add(y_pred, y)
        bounds, sets = self.calibration.intervals(y_pred), self.calibration.sets(y_pred)
        if bounds is not None:
            self._coverage.add_intervals(bounds, y)
        if sets is not None:
            self._coverage.add_sets(sets, self._reading.true_labels(y))

    def result(self, calibration: FittedCalibration) -> CalibrationResult:
        """Return the counts for one model's calibration, or for several models' together."""
        coverage = None
        if self._coverage.total:
            promised = calibration.promised_coverage
            size = "mean_width" if self._reading.task == "values" else "mean_set_size"
            coverage = self._coverage.as_data(size)
            coverage |= {"promised": promised} if promised is not None else {}
        return CalibrationResult(
            tuple(calibration.summaries()),
            calibration.samples,
            self._before.as_data() if self._before is not None else None,
            self._after.as_data() if self._after is not None else None,
            coverage,
            calibration.threshold,
        )


def ready_part(part: Dataset, member: Member, data: str) -> ReadyData:
    """Return prepared samples as a model and its losses take them; raise DataError if not."""
    model, part = member.model, guarded(part)
    pairs = [targets_for(head, part, model, member.preparation, data) for head in member.heads]
    weights = None if part.weights is None else part.weights.astype(model.dtype)
    ys, y_trues = (tuple(arrays) for arrays in zip(*pairs, strict=True))
    try:
        x = model.as_input(part.inputs)
    except DataError as error:
        raise error.replaced(message=f"{data}: {error.message}") from None
    return ReadyData(x, ys, y_trues, weights)


def true_targets(head: Head, part: Dataset, member: Member, data: str) -> Array:
    """Return the targets of a loss as metrics take them; raise DataError if they do not suit it."""
    return read_only(targets_for(head, part, member.model, member.preparation, data)[0])


def _row(name: str, matrix: ConfusionMatrix, index: int) -> dict[str, Any]:
    return {
        "class": name,
        "precision": float(matrix.precision[index]),
        "recall": float(matrix.recall[index]),
        "f1": float(matrix.f1[index]),
        "support": int(matrix.support[index]),
    }
