"""Checks that calibrators have validation data, and predictions that they take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import get_args, get_origin

import numpy as np

from declnet.contracts.arrays import Array, read_only
from declnet.contracts.data.transform import ColumnError
from declnet.contracts.network.loss import Loss
from declnet.contracts.returned import verified
from declnet.contracts.runs.calibrator import Calibrator, Task
from declnet.display.words import alternatives, counted
from declnet.errors import DataError, Diagnostic
from declnet.spec.heads import Head, PartialHead
from declnet.training.checks.context import CheckContext, CheckedHead
from declnet.training.tasks import PredictionTask, task_of

_UNITS: dict[Task, str] = {
    "classes": "a unit for each class",
    "binary": "one unit for two classes",
    "flags": "several yes-or-no units",
    "values": "numbers",
}


def calibration_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield what prevents the calibrators from being fitted after the training."""
    sets, is_validated = context.sets, context.is_validated
    validation = sets.datasets.get("validation") if sets is not None else None
    ys = validation.targets if validation is not None else {}
    for head in context.heads:
        part = head.part
        if part.calibration and is_validated is False:
            message = "a calibration is fitted to validation data, but there is none"
            hint = "add it to [data], e.g. validation = 0.2"
            yield Diagnostic(message, hint, part.calibration_path[:-1], "E052", focus="key")
            continue
        task, info = _task_of(context, head), head.infos.get("validation", head.infos.get("train"))
        samples = head.infos["validation"].samples if "validation" in head.infos else None
        for position, calibrator in part.calibration.items():
            path = (*part.calibration_path, position)
            if task is not None:
                for unsuited in _unsuited(calibrator, task):
                    yield Diagnostic(*unsuited, path, "E052")
            if info is not None and task is not None and task.task == "values":
                try:
                    require_quantiles(calibrator, task.units, prod(info.target_shape))
                except DataError as error:
                    yield Diagnostic(error.message, None, path, error.code)
            if samples is not None:
                for message in _too_few(calibrator, samples):
                    hint = "use more validation data, or ask for less of the calibrator"
                    yield Diagnostic(message, hint, path, "E052")
            target = part.target_among(ys)
            if target is not None and part.loss is not None:
                for message, tip in _wrong_target(calibrator, part.loss, ys[target], target):
                    yield Diagnostic(message, tip, path, "E052")
            if "threshold" in calibrator.gives():
                yield from _thresholds_of_metrics(part, calibrator, task)


def require_samples(heads: Sequence[Head], samples: int) -> None:
    """Raise DataError if there is too little validation data for a calibrator."""
    for head in heads:
        for calibrator in head.calibration.values():
            for message in _too_few(calibrator, samples):
                raise DataError(message, path=head.calibration_path, code="E052")


def require_targets(heads: Sequence[Head], parts: Iterable[Sequence[Array]]) -> None:
    """Raise DataError if a calibrator cannot be fitted to a target of the validation data.

    Args:
        heads: the losses.
        parts: all samples in parts, each with the target of each loss.
    """
    pairs = [(step, head.loss) for head in heads for step in head.calibration.values()]
    if not any(_sees_targets(calibrator, loss) for calibrator, loss in pairs):
        return
    first = 0
    for ys in parts:
        for head, y in zip(heads, ys, strict=True):
            for position, calibrator in head.calibration.items():
                path = (*head.calibration_path, position)
                for message, hint in _wrong_target(calibrator, head.loss, y, head.target, first):
                    raise DataError(message, hint=hint, path=path, code="E052")
        first += len(ys[0])


def require_quantiles(calibrator: Calibrator, numbers: int, values: int) -> None:
    """Raise DataError unless a calibrator takes so many predicted numbers for a target's values."""
    if numbers != values and not calibrator.takes_quantiles:
        message = f'"{calibrator.type}" needs one predicted number for each value of the target'
        raise DataError(f"{message}, not {numbers} for {values}", code="E052")


def _task_of(context: CheckContext, head: CheckedHead) -> PredictionTask | None:
    """Return what the predictions are, if the loss and its output are valid."""
    node = head.nodes[-1] if head.nodes else None
    if head.part.loss is None or node is None:
        return None
    try:
        return task_of(head.part.loss, node.output_shape, np.dtype(context.spec.model.dtype))
    except Exception:  # e.g. an output that does not fit the loss, which is reported
        return None


def _unsuited(calibrator: Calibrator, task: PredictionTask) -> Iterator[tuple[str, str | None]]:
    """Yield why a calibrator does not take predictions of a task, and what to do about it."""
    if task.task not in calibrator.tasks:
        units = f"{task.units} units, one for each class"
        predicted = units if task.task == "classes" else _UNITS[task.task]
        suitable = alternatives(_UNITS[name] for name in calibrator.tasks)
        yield f'"{calibrator.type}" does not take {predicted}', f"it takes {suitable}"
    elif task.scores and not calibrator.takes_scores:
        message = f'"{calibrator.type}" needs probabilities, but this loss has scores'
        yield message, "use a cross-entropy, which has probabilities"


def _too_few(calibrator: Calibrator, samples: int) -> Iterator[str]:
    least = verified(Calibrator.least_samples, calibrator)
    if samples < least:
        needs = f"needs at least {counted(least, 'validation sample')}"
        yield f'"{calibrator.type}" {needs}, but there are {samples}'


def _sees_targets(calibrator: Calibrator, loss: Loss) -> bool:
    overridden = type(calibrator).verify_targets is not Calibrator.verify_targets
    return overridden and loss.targets == "values"


def _wrong_target(
    calibrator: Calibrator, loss: Loss, y: Array, name: str, first: int = 0
) -> Iterator[tuple[str, str | None]]:
    """Yield why a calibrator cannot be fitted to targets, and what to do about it.

    Args:
        name: the target's name, if it has one.
        first: the number of validation samples before these.
    """
    if not _sees_targets(calibrator, loss):
        return
    try:
        calibrator.verify_targets(read_only(y.astype(np.float64)))
    except ColumnError as error:
        row = "data" if error.row is None else f"sample {first + error.row + 1}"
        which = f' "{name}"' if name else ""
        message = f'validation {row}: the target{which} {error.message} ("{calibrator.type}")'
        yield message, error.hint


def _thresholds_of_metrics(
    head: PartialHead, calibrator: Calibrator, task: PredictionTask | None
) -> Iterator[Diagnostic]:
    """Yield an error for a metric with its own threshold, or that takes only a single one."""
    for position, metric in head.metrics.items():
        field = type(metric).model_fields.get("threshold")
        path = (*head.metrics_path, position)
        if field is None:
            continue
        several = any(
            get_origin(e) is tuple for e in (field.annotation, *get_args(field.annotation))
        )
        if getattr(metric, "threshold", None) != field.default:
            message = f'the calibrator "{calibrator.type}" chooses the threshold of this metric'
            yield Diagnostic(message, "remove this key", (*path, "threshold"), "E017")
        elif task is not None and task.task == "flags" and not several:
            chosen = f'"{calibrator.type}" chooses a threshold for each of the {task.units} units'
            message = f'{chosen}, but "{metric.type}" takes a single one'
            yield Diagnostic(message, "remove this metric", path, "E052")
