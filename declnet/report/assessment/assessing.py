"""Tries a trained model on data with known targets."""

from __future__ import annotations

from collections.abc import Iterable

from declnet.components.data_source import Dataset
from declnet.errors import DataError
from declnet.report.assessment.assessment import Assessment
from declnet.report.assessment.class_counts import ClassCounts
from declnet.report.assessment.value_errors import ValueErrors
from declnet.runs.predictor import Predictor
from declnet.training.ready_data import ReadyData
from declnet.training.running_evaluation import RunningEvaluation


def assess(predictor: Predictor, parts: Iterable[Dataset], data: str) -> Assessment:
    """Tries a model on data that comes in parts, in constant memory.

    Args:
        predictor: of the run.
        parts: prepared, with targets.
        data: what to call it.

    Raises:
        DataError: the data does not fit the model, or there is none.
    """
    model, spec, reading = predictor.model, predictor.spec, predictor.reading
    classes = reading.sort != "values"
    counts, errors = ClassCounts(reading), ValueErrors()
    watch = counts.add if classes else errors.add
    evaluation = RunningEvaluation(model, spec.loss, spec.training.metrics, watch)
    samples = 0
    for part in parts:
        evaluation.add(_ready(part, predictor, data))
        samples += len(part)
    if not samples:
        raise DataError(f"{data}: there are no samples")
    figures = evaluation.result()
    if classes:
        return Assessment(data, samples, figures, reading.class_names, counts.counts)
    return Assessment(data, samples, figures, errors=errors.result())


def _ready(part: Dataset, predictor: Predictor, data: str) -> ReadyData:
    model = predictor.model
    try:
        y_true = predictor.spec.loss.prepare(part.y, model.output_shape, model.dtype)
    except ValueError as error:
        raise DataError(f"{data}: {error}") from None
    weights = None if part.weights is None else part.weights.astype(model.dtype)
    return ReadyData(model.as_input(part.x), part.y, y_true, "", weights)
