"""Checks on calibrators: rows apart, probabilities that remain so, and the promised coverage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from declnet import Array, Calibrator, ColumnError, verified
from declnet.testing import checking
from declnet.testing.catalogue import ExampleData
from declnet.testing.checking import CheckFailed, Subject, called, check, checks_in, require
from declnet.testing.checks import common
from declnet.testing.trial import SAMPLES, SIZES, Setting, Trial, copied
from declnet.testing.watched import call_locked

Task = Literal["classes", "binary", "flags", "values"]
"""What predictions are: probabilities of classes, of one flag or several, or values."""

ROWS = 10 * SAMPLES
"""Samples to fit to, and as many to apply to."""

MANY = 2000
"""The same where the coverage is counted."""

REPETITIONS, NEW = 200, 30
"""How often a calibrator is fitted to few samples, and for how many new ones each time."""

DEVIATIONS = 4
"""How many standard deviations less than promised the coverage may be."""

CLASSES = 4

FREQUENCIES, POWERS = (0.8, 0.2, 1.6, 0.4), (1.0, 3.0, 0.5)
"""How frequent classes and flags are, in no order."""


@dataclass(frozen=True, eq=False)
class PredictedTask:
    """Predictions and targets of a task, with a name for messages."""

    name: str
    task: Task
    y_pred: Array
    y_true: Array

    def part(self, rows: slice | Array) -> PredictedTask:
        """Return some of the samples."""
        return replace(self, y_pred=self.y_pred[rows].copy(), y_true=self.y_true[rows].copy())

    @property
    def truth(self) -> Array:
        """The targets in the shape of the probabilities, 0 and 1."""
        truth: Array = np.eye(CLASSES)[self.y_true] if self.task == "classes" else self.y_true
        return truth.astype(float)


def candidates(subject: Subject, rows: int = ROWS) -> Iterator[PredictedTask]:
    """Yield predictions and targets that it takes: `rows` to fit to, and others."""
    rng, n = np.random.default_rng(37), 2 * rows
    classes, flags = rng.dirichlet(FREQUENCIES, n), rng.uniform(0.01, 0.99, (n, 3)) ** POWERS
    labels = (classes.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=CLASSES - 1)
    y, positive = rng.normal(3, 2, (n, 3)), np.exp(rng.normal(1, 1, n))
    y_pred, is_set = y + rng.normal(0, 1, (n, 3)), (rng.random((n, 3)) < flags).astype(np.intp)
    near = positive * np.exp(rng.normal(0, 0.5, n)) - 0.5  # of which 6 % are not positive
    for name, task, predicted, y_true in (
        ("classes", "classes", classes, labels),
        ("two classes", "binary", flags[:, 0], is_set[:, 0]),
        ("flags", "flags", flags, is_set),
        ("values", "values", y_pred[:, 0], y[:, 0]),
        ("several values", "values", y_pred, y),
        ("quantiles", "values", y_pred[:, :1] + [-1.3, 0.0, 1.3], y[:, 0]),
        ("positive values", "values", near, positive),
        ("positive quantiles", "values", near[:, None] * [0.5, 1.0, 2.0], positive),
    ):
        is_taken = "quantiles" not in name or subject.instance.takes_quantiles
        if task in subject.instance.tasks and is_taken:
            data = PredictedTask(name, task, predicted.copy(), y_true.copy())  # type: ignore[arg-type]
            if task != "values" or _takes_targets(subject, data.y_true):
                yield data


def _takes_targets(subject: Subject, y_true: Array) -> bool:
    """Return whether it can be fitted to numbers as targets, which it may only read."""
    verify = partial(subject.instance.verify_targets, y_true)
    try:
        call_locked("verify_targets", verify, {"y_true": y_true})
    except CheckFailed as failure:
        if isinstance(failure.__cause__, ColumnError):
            return False
        raise
    return True


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

    def call(method: Callable[..., Any], *arguments: Any) -> Any:
        function = partial(verified, method, calibrator, *arguments, state)
        return call_locked(f"{method.__name__} for {data.name}", function, arrays)

    results: dict[str, Array] = {}
    if "apply" in gives:
        results["y"] = y = call(Calibrator.apply, y_pred)
        total = y.sum(axis=1) if data.task == "classes" else 1
        if data.task != "values" and (y.min() < 0 or y.max() > 1 or not np.allclose(total, 1)):
            fault = f"apply gives no probabilities for {data.name}: {y.min():g} to {y.max():g}"
            raise CheckFailed(f"{fault}, with sums up to {np.max(total):g}", fault)
    if "threshold" in gives and data.task in ("binary", "flags"):
        results["threshold"] = threshold = np.atleast_1d(call(Calibrator.threshold))
        if threshold.shape not in ((1,), y_pred.shape[1:]):
            fault = f"threshold() returned numbers of shape {threshold.shape}"
            raise CheckFailed(f"{fault} for {y_pred[0].size} outputs", fault)
    if "intervals" in gives and data.task == "values":
        for name, bound in zip(("lower", "upper"), call(Calibrator.intervals, y_pred), strict=True):
            fault = f"intervals has the shape {bound.shape}, not {data.y_true.shape}"
            require(bound.shape == data.y_true.shape, fault)
            results[name] = bound
    if "sets" in gives and data.task in ("classes", "binary"):
        results["sets"] = call(Calibrator.sets, y_pred)
    if not results:
        raise CheckFailed(f"it takes {data.name}, but gives nothing for them", "gives nothing")
    return results


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Fit it to predictions of each task that it takes, and complete others with it."""
    trial = Trial()
    for data in candidates(subject):
        state = fitted_state(subject, data.part(slice(ROWS)))
        if setting.beside:
            fitted_state(subject, data.part(slice(ROWS // 2)))
        if setting.restored:
            methods = Calibrator.verify_state, Calibrator.summary
            state = common.stored_again(subject, state, *methods)
        cuts = [ROWS, *(ROWS + cut for cut in setting.cuts), 2 * ROWS]
        parts = [_results(subject, data.part(slice(a, b)), state) for a, b in pairwise(cuts)]
        for name in parts[0]:
            rows = [parts[0][name]] if name == "threshold" else [part[name] for part in parts]
            trial.outputs[f"{name} for {data.name}"] = copied(np.concatenate(rows))
    return trial


@check
def gives_something_for_its_tasks(subject: Subject) -> None:
    """Is fitted to what it declares: also few samples, perfect predictions, or some classes."""
    least = called(subject, Calibrator.least_samples)
    for data in candidates(subject):
        usual, flat = data.part(slice(ROWS)), data.y_true.reshape(len(data.y_true), -1)
        parts = [data.part(slice(rows)) for rows in SIZES]
        if data.y_pred.shape == data.truth.shape:
            parts.append(replace(data, name=f"perfect {data.name}", y_pred=data.truth))
        for label in () if data.task == "values" else (0, flat.max()):
            parts += [data.part((flat == label).all(1)), data.part((flat != label).all(1))]
        for part in (part for part in parts if len(part.y_true) >= least):
            state = fitted_state(subject, part)
            for new in (part, usual):
                _results(subject, new, state)


@check
def keeps_what_probabilities_tell(subject: Subject) -> None:
    """Gives probabilities for probabilities; where these are right, about as good ones."""
    checking.skip_unless("apply" in subject.instance.gives(), "it does not change predictions")
    for data in (data for data in candidates(subject, MANY) if data.task != "values"):
        new, state = data.part(slice(MANY, None)), fitted_state(subject, data.part(slice(MANY)))
        after, before, constant = (
            float(np.mean((p - new.truth) ** 2))
            for p in (_results(subject, new, state)["y"], new.y_pred, new.truth.mean(axis=0))
        )
        fault = f"apply changes probabilities of {data.name} whose mean squared error is"
        numbers = (
            f"{before:.3g} to some with {after:.3g}, while the frequencies have {constant:.3g}"
        )
        advice = "keep the order of samples and classes"
        require(after <= (before + constant) / 2, f"{fault} {numbers}; {advice}")


@check
def keeps_its_promise(subject: Subject) -> None:
    """Covers as many targets of new samples as it promises, fitted to few samples or many."""
    promised = called(subject, Calibrator.promised_coverage)
    if promised is None:
        raise checking.CheckSkipped("it promises no coverage")
    least = called(subject, Calibrator.least_samples)
    few = [least, next((n for n in SIZES if n > least), 2 * least)]
    for data in candidates(subject, max(MANY, REPETITIONS * max(*few, NEW))):
        for n, repetitions in (*((n, REPETITIONS) for n in few), (MANY, 1)):
            coverage = _coverage(subject, data, n, repetitions)
            variance = promised * (1 - promised) * (1 / (n + 2) + 1 / max(n, NEW)) / repetitions
            is_less = coverage < promised - DEVIATIONS * variance**0.5
            fault = f"it promises a coverage of {promised:g}, but fitted to {n} samples of"
            advice = f"{data.name}, it has {coverage:.3g}; see least_samples()"
            require(not is_less, f"{fault} {advice}")


def _coverage(subject: Subject, data: PredictedTask, n: int, repetitions: int) -> float:
    """Return the share of targets in intervals or sets if fitted to n samples; NaN without any."""
    held, size = [], max(n, NEW)
    for number in range(repetitions):
        few = data.part(slice(number * n, (number + 1) * n))
        new = data.part(np.arange(number * size, (number + 1) * size) + len(data.y_true) // 2)
        results = _results(subject, new, fitted_state(subject, few))
        if "sets" in results:
            held.append(results["sets"][np.arange(size), new.y_true])
        elif "lower" in results:
            held.append((results["lower"] <= new.y_true) & (new.y_true <= results["upper"]))
    return float(np.mean(held)) if held else np.nan


def example_data(subject: Subject) -> Iterator[ExampleData]:
    """Yield predictions that the calibrator was not fitted to."""
    for data in candidates(subject):
        state = fitted_state(subject, data.part(slice(ROWS)))
        yield ExampleData(data.name, (data.part(slice(ROWS, None)).y_pred,), state, data.task)


_OTHERS = (*common.USED_ONCE, *common.DIVIDED)
CHECKS = (common.leaves_inputs_alone, *checks_in(globals()), *_OTHERS)
