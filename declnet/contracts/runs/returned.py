"""Checks on what callbacks, analyses, calibrators, plans, executors and searchers return."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, Shape
from declnet.contracts.component import Component
from declnet.contracts.data.returned import checked_fit
from declnet.contracts.returned import (
    BrokenContractError,
    is_number,
    is_whole,
    refuse,
    shown,
)
from declnet.contracts.runs.analysis import AnalysisTable, fault_of
from declnet.contracts.runs.calibrator import Thresholds
from declnet.contracts.runs.executor import TaskUpdate
from declnet.contracts.runs.observer import StepObserver
from declnet.contracts.runs.plan import WAIT, Journal, Step, Task
from declnet.contracts.runs.searcher import Dimension, Scalar


def checked_monitors(callback: Component, names: Any) -> tuple[str, ...]:
    """Return the result of `Callback.monitors`: names of metrics."""
    is_collection = isinstance(names, Iterable) and not isinstance(names, str | bytes | Mapping)
    found = tuple(names) if is_collection else ()
    if not is_collection or not all(isinstance(name, str) for name in found):
        refuse(callback, "monitors", names, "a tuple of names")
    return found


def checked_observer(callback: Component, observer: Any) -> StepObserver | None:
    """Return the result of `Callback.observer`: an observer or None."""
    if observer is not None and not isinstance(observer, StepObserver):
        refuse(callback, "observer", observer, "a StepObserver or None")
    return observer


def checked_tables(analysis: Component, tables: Any) -> tuple[AnalysisTable, ...]:
    """Return the result of `Analysis.analyze`: tables of plain values with different titles."""
    if not isinstance(tables, Iterable) or isinstance(tables, str | bytes | Mapping):
        refuse(analysis, "analyze", tables, "a sequence of AnalysisTable")
    found = tuple(tables)
    for each in found:
        fault = fault_of(each)
        if fault is not None:
            raise BrokenContractError(analysis, "analyze", f"returned an invalid table: {fault}")
    if len({each.title for each in found}) < len(found):
        raise BrokenContractError(analysis, "analyze", "returned two tables of one title")
    return found


def checked_learned(calibrator: Component, state: Any) -> dict[str, Any]:
    """Return the result of `Calibrator.fit`: JSON values and arrays of finite numbers by name."""
    found = checked_fit(calibrator, state)
    for name, value in found.items():
        is_float = isinstance(value, np.ndarray | np.generic | float)
        if is_float and np.asarray(value).dtype.kind == "f" and not np.isfinite(value).all():
            fault = f"returned NaN or infinite numbers as {name!r}"
            raise BrokenContractError(calibrator, "fit", fault)
    return found


def checked_calibrated(calibrator: Component, y: Any, y_pred: Array) -> Array:
    """Return the result of `Calibrator.apply`: finite numbers of the shape of the predictions."""
    return _finite(calibrator, "apply", y, y_pred.shape)


def checked_threshold(calibrator: Component, threshold: Any, units: int = 1) -> Thresholds:
    """Return the result of `Calibrator.threshold`: a finite number, or one for each unit."""
    if is_number(threshold) and math.isfinite(threshold):
        return float(threshold)
    if units == 1:
        refuse(calibrator, "threshold", threshold, "a finite number")
    return tuple(_finite(calibrator, "threshold", threshold, (units,)).tolist())


def checked_intervals(calibrator: Component, bounds: Any, samples: int) -> tuple[Array, Array]:
    """Return the result of `Calibrator.intervals`: lower and upper bounds of the same shape."""
    if not isinstance(bounds, tuple) or len(bounds) != 2:
        refuse(calibrator, "intervals", bounds, "a tuple of lower and upper bounds")
    lower, upper = bounds
    shape = upper.shape if isinstance(upper, np.ndarray) and upper.ndim else (samples,)
    lower, upper = (
        _finite(calibrator, "intervals", each, (samples, *shape[1:])) for each in (lower, upper)
    )
    if (lower > upper).any():
        fault = "returned a lower bound that is above the upper one"
        raise BrokenContractError(calibrator, "intervals", fault)
    return lower, upper


def checked_sets(calibrator: Component, sets: Any, shape: Shape) -> Array:
    """Return the result of `Calibrator.sets`: booleans (n, classes)."""
    if not isinstance(sets, np.ndarray) or sets.dtype.kind != "b" or sets.shape != shape:
        refuse(calibrator, "sets", sets, f"an array of booleans of shape {shape}")
    found: Array = sets
    return found


def checked_coverage(calibrator: Component, coverage: Any) -> float | None:
    """Return the result of `Calibrator.promised_coverage`: a share of 1, or None."""
    if coverage is not None and not (is_number(coverage) and 0 < coverage <= 1):
        refuse(calibrator, "promised_coverage", coverage, "a number above 0, up to 1, or None")
    return None if coverage is None else float(coverage)


def checked_least(calibrator: Component, samples: Any) -> int:
    """Return the result of `Calibrator.least_samples`: an integer."""
    if not is_whole(samples):
        refuse(calibrator, "least_samples", samples, "an integer")
    return operator.index(samples)


def _finite(component: Component, method: str, array: Any, shape: Shape) -> Array:
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or array.shape != shape:
        refuse(component, method, array, f"an array of floats of shape {shape}")
    found: Array = array
    if not np.isfinite(found).all():
        raise BrokenContractError(component, method, "returned numbers that are NaN or infinite")
    return found


def checked_update(executor: Component, update: Any, waiting: Mapping[int, object]) -> TaskUpdate:
    """Check what `execute` yields; `waiting` has the tasks that it has taken and not answered."""
    if not isinstance(update, TaskUpdate):
        refuse(executor, "execute", update, "a TaskUpdate")
    if not isinstance(update.answer, bytes | None):
        refuse(executor, "execute", update.answer, "an answer in bytes")
    if not isinstance(update.report, str | None):
        refuse(executor, "execute", update.report, "a report as text")
    if update.task not in waiting:
        fault = f"has news of task {shown(update.task)}, which it was not given or has answered"
        raise BrokenContractError(executor, "execute", fault)
    return update


def checked_task(plan: Any, task: Any, journal: Journal) -> Task | Step:
    """Return the result of `Plan.next`: a task that is not in the journal, `WAIT` or `DONE`."""
    found: Task | Step = task
    if not isinstance(plan, Component):  # of the core
        return found
    if not isinstance(task, Task | Step):
        refuse(plan, "next", task, "a Task, WAIT or DONE")
    fault = ""
    if task is WAIT and not any(True for _ in journal.running()):
        fault = "waits, but no task is running"
    elif isinstance(task, Task):
        parts = [*PurePath(task.folder).parts, *PurePath(task.point).parts]
        if task.folder in journal.tasks:
            fault = f"returned the task {shown(task.folder)} again"
        elif not task.folder or ".." in parts or "/" in parts:
            fault = f"returned {shown(task.folder)}, which is not a folder within the group's"
        elif task.continues is not None and task.continues not in journal.outcomes:
            fault = f"continues {shown(task.continues)}, which has not ended"
    if fault:
        raise BrokenContractError(plan, "next", fault)
    return found


def checked_proposal(
    searcher: Component, method: str, values: Any, space: Sequence[Dimension]
) -> dict[str, Scalar]:
    """Return proposed values of a trial: one of each dimension that applies, within its range."""
    if not isinstance(values, Mapping):
        refuse(searcher, method, values, "values by key")
    found: dict[str, Scalar] = {}
    for each in space:
        if not each.applies(found):
            continue
        if each.key not in values:
            raise BrokenContractError(searcher, method, f'returned no value of "{each.key}"')
        value = values[each.key]
        if not each.holds(value):
            fault = f'returned {shown(value)} for "{each.key}", which it does not take'
            raise BrokenContractError(searcher, method, fault)
        found[each.key] = value
    more = [key for key in values if key not in found]
    if more:
        raise BrokenContractError(searcher, method, f'returned "{more[0]}", which does not vary')
    return found
