"""Checks on calibrators: rows apart, probabilities that remain so, and the promised coverage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from declnet import Array, Calibrator, ColumnError, verified
from declnet.testing.checking import CheckFailed, CheckSkipped, Subject, called, calling, check
from declnet.testing.checks.common import (
    USED_ONCE,
    continues_when_restored,
    keeps_uses_apart,
    leaves_inputs_alone,
    parts_equal_the_whole,
    stored_again,
)
from declnet.testing.component_data import ExampleData
from declnet.testing.grid import SIZES
from declnet.testing.trial import SAMPLES, Setting, Trial, copied
from declnet.testing.watched import call_locked

Task = Literal["classes", "binary", "flags", "values"]
"""What predictions are: probabilities of classes, of one flag or several, or values."""

ROWS = 10 * SAMPLES
"""Samples to fit to, and as many to apply to."""

MANY = 2000
"""The same where the coverage is counted."""

ALLOWED = 0.04
"""How much less than promised that may be: four standard deviations, or more."""

CLASSES = 4


@dataclass(frozen=True, eq=False)
class PredictedTask:
    """Predictions and targets of a task, with a name for messages."""

    name: str
    task: Task
    y_pred: Array
    y_true: Array

    def part(self, rows: slice) -> PredictedTask:
        """Return some of the samples."""
        return PredictedTask(
            self.name, self.task, self.y_pred[rows].copy(), self.y_true[rows].copy()
        )


Draw = Callable[[np.random.Generator, int], tuple[Array, Array]]


def _classes(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    p = rng.dirichlet(np.ones(CLASSES), n)
    return p, (p.cumsum(axis=1) < rng.random((len(p), 1))).sum(axis=1).clip(max=CLASSES - 1)


def _flags(rng: np.random.Generator, n: int, *outputs: int) -> tuple[Array, Array]:
    p = rng.uniform(0.01, 0.99, (n, *outputs))
    return p, (rng.random(p.shape) < p).astype(np.intp)


def _values(rng: np.random.Generator, n: int, *shape: int) -> tuple[Array, Array]:
    y = rng.normal(3, 2, (n, *shape))
    return y + rng.normal(0, 1, y.shape), y


def _positive(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    y = np.exp(rng.normal(1, 1, n))
    return y * np.exp(rng.normal(0, 0.5, n)) - 0.5, y  # of these predictions, 6 % are not positive


def _positive_quantiles(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    y_pred, y = _positive(rng, n)
    return y_pred[:, None] * [0.5, 1.0, 2.0], y


def _quantiles(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    y_pred, y = _values(rng, n)
    return y_pred[:, None] + [-1.3, 0.0, 1.3], y


_DRAWS: tuple[tuple[str, Task, Draw], ...] = (
    ("classes", "classes", _classes),
    ("two classes", "binary", _flags),
    ("flags", "flags", lambda rng, n: _flags(rng, n, 3)),
    ("values", "values", _values),
    ("several values", "values", lambda rng, n: _values(rng, n, 3)),
    ("quantiles", "values", _quantiles),
    ("positive values", "values", _positive),
    ("positive quantiles", "values", _positive_quantiles),
)


def candidates(subject: Subject, rows: int = ROWS) -> Iterator[PredictedTask]:
    """Yield predictions and targets that it takes: `rows` to fit to, and others."""
    for name, task, draw in _DRAWS:
        is_taken = "quantiles" not in name or subject.instance.takes_quantiles
        if task in subject.instance.tasks and is_taken:
            data = PredictedTask(name, task, *draw(np.random.default_rng(37), 2 * rows))
            if task != "values" or _takes_targets(subject, data.y_true):
                yield data


def _takes_targets(subject: Subject, y_true: Array) -> bool:
    """Return whether it can be fitted to numbers as targets, which it may only read."""

    def verified() -> bool:
        try:
            subject.instance.verify_targets(y_true)
        except ColumnError:
            return False
        return True

    return bool(call_locked("verify_targets", verified, {"y_true": y_true}))


def fitted_state(subject: Subject, data: PredictedTask) -> Mapping[str, Any]:
    """Return the state fitted to predictions, which the calibrator may only read."""
    arrays = {"y_pred": data.y_pred, "y_true": data.y_true}
    fit = partial(verified, Calibrator.fit, subject.instance, data.y_pred, data.y_true, data.task)
    state: Mapping[str, Any] = call_locked(f"fit for {data.name}", fit, arrays)
    return state


def _results(subject: Subject, data: PredictedTask, state: Mapping[str, Any]) -> dict[str, Array]:
    """Return all that a calibrator gives for predictions, by name."""
    calibrator, gives, y_pred = subject.instance, subject.instance.gives(), data.y_pred
    arrays = {f"the state's {k}": v for k, v in state.items() if isinstance(v, np.ndarray)}
    arrays["y_pred"] = y_pred

    def call(method: Callable[..., Any]) -> Any:
        function = partial(verified, method, calibrator, y_pred, state)
        return call_locked(f"{method.__name__} for {data.name}", function, arrays)

    results: dict[str, Array] = {}
    if "apply" in gives:
        results["y"] = call(Calibrator.apply)
    if "threshold" in gives and data.task in ("binary", "flags"):
        function, units = partial(verified, Calibrator.threshold, calibrator, state), y_pred[0].size
        threshold = np.asarray(call_locked(f"threshold for {data.name}", function, arrays))
        if threshold.ndim and (units == 1 or threshold.shape != (units,)):
            fault = f"returned numbers of shape {threshold.shape} for {units} outputs"
            raise CheckFailed(f"threshold() {fault}")
        results["threshold"] = np.atleast_1d(threshold)
    if "intervals" in gives and data.task == "values":
        lower, upper = call(Calibrator.intervals)
        for bound in (lower, upper):
            if bound.shape != data.y_true.shape:
                raise CheckFailed(f"intervals has the shape {bound.shape}, not {data.y_true.shape}")
        results |= {"lower": lower, "upper": upper}
    if "sets" in gives and data.task in ("classes", "binary"):
        results["sets"] = call(Calibrator.sets)
    return results


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Fit it to predictions of each task that it takes, and complete others with it."""
    trial = Trial()
    for data in candidates(subject):
        state = fitted_state(subject, data.part(slice(ROWS)))
        if setting.beside:
            fitted_state(subject, data.part(slice(ROWS // 2)))
        if setting.restored:
            state = stored_again(state)
        cuts = [ROWS, *(ROWS + cut for cut in setting.cuts), 2 * ROWS]
        parts = [_results(subject, data.part(slice(a, b)), state) for a, b in pairwise(cuts)]
        for name in parts[0]:
            rows = [parts[0][name]] if name == "threshold" else [part[name] for part in parts]
            trial.outputs[f"{name} for {data.name}"] = copied(np.concatenate(rows))
    return trial


@check
def gives_something_for_its_tasks(subject: Subject) -> None:
    """Is fitted to predictions of all tasks that it declares, and gives something for each."""
    for data in candidates(subject):
        results = _results(subject, data, fitted_state(subject, data))
        if not results:
            raise CheckFailed(f"it takes {data.name}, but gives nothing for them")
    called(subject, Calibrator.least_samples)


@check
def gives_probabilities_for_probabilities(subject: Subject) -> None:
    """Gives probabilities where it is given some: from 0 to 1, with the sum 1 for classes."""
    if "apply" not in subject.instance.gives():
        raise CheckSkipped("it does not change predictions")
    for data in candidates(subject):
        if data.task == "values":
            continue
        y = _results(subject, data, fitted_state(subject, data))["y"]
        if y.min() < 0 or y.max() > 1:
            raise CheckFailed(f"apply gives {y.min():g} to {y.max():g} for {data.name}")
        if data.task == "classes" and not np.allclose(y.sum(axis=1), 1):
            raise CheckFailed("the probabilities that apply gives do not sum to 1")


@check
def takes_few_and_perfect_predictions(subject: Subject) -> None:
    """Is fitted to as few samples as it says, to perfect predictions, and to a single class."""
    least = called(subject, Calibrator.least_samples)
    for data in candidates(subject):
        parts = [data.part(slice(rows)) for rows in SIZES if least <= rows < ROWS]
        rows = slice(max(least, ROWS))
        several, flat = data.part(rows), data.y_true.reshape(len(data.y_true), -1)
        perfect: Array = several.y_true.astype(float)
        if data.task == "classes":
            perfect = np.eye(CLASSES)[several.y_true]
        if perfect.shape == several.y_pred.shape:
            parts.append(replace(several, name=f"perfect {data.name}", y_pred=perfect))
        if data.task != "values":
            one = (flat == flat[0]).all(axis=1)
            alike = PredictedTask("a single class", data.task, data.y_pred[one], data.y_true[one])
            parts += [alike] if one.sum() >= least else []
        for part in parts:
            _results(subject, part, fitted_state(subject, part))


@check
def keeps_its_promise(subject: Subject) -> None:
    """Covers as many targets of new samples of the same distribution as it promises."""
    promised = called(subject, Calibrator.promised_coverage)
    if promised is None:
        raise CheckSkipped("it promises no coverage")
    for data in candidates(subject, MANY):
        new = data.part(slice(MANY, None))
        results = _results(subject, new, fitted_state(subject, data.part(slice(MANY))))
        if "sets" in results:
            held = results["sets"][np.arange(MANY), new.y_true]
        elif "lower" in results:
            held = (results["lower"] <= new.y_true) & (new.y_true <= results["upper"])
        else:
            continue
        if held.mean() < promised - ALLOWED:
            raise CheckFailed(
                f"it promises a coverage of {promised:g}, but for {data.name} it is {held.mean():g}"
            )


@check
def state_can_be_stored(subject: Subject) -> None:
    """Keeps in its state only JSON values and arrays, which it accepts when they are read back."""
    for data in candidates(subject):
        state = fitted_state(subject, data)
        read = stored_again(state)
        with calling("verify_state"):
            subject.instance.verify_state(read)
        called(subject, Calibrator.summary, read)


def example_data(subject: Subject) -> Iterator[ExampleData]:
    """Yield predictions that the calibrator was not fitted to."""
    for data in candidates(subject):
        state = fitted_state(subject, data.part(slice(ROWS)))
        yield ExampleData(data.name, (data.part(slice(ROWS, None)).y_pred,), state, data.task)


CHECKS = (
    leaves_inputs_alone,
    gives_something_for_its_tasks,
    *USED_ONCE,
    gives_probabilities_for_probabilities,
    takes_few_and_perfect_predictions,
    keeps_its_promise,
    parts_equal_the_whole,
    keeps_uses_apart,
    state_can_be_stored,
    continues_when_restored,
)
