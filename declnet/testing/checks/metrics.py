"""Checks on metrics: the result over all samples does not depend on the batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from math import prod

import numpy as np

from declnet import Array, Metric, Shape, as_loss, stored_copy, verified
from declnet.testing.checking import (
    CheckFailed,
    CheckSkipped,
    ReadOnlyWrittenError,
    Subject,
    calling,
    check,
)
from declnet.testing.checks.common import (
    USED_ONCE,
    continues_when_restored,
    keeps_uses_apart,
    leaves_inputs_alone,
    parts_equal_the_whole,
    takes_any_memory_order,
    takes_float32_and_float64,
)
from declnet.testing.checks.losses import DRAWS, Draw, Pair, distributions, labels, pairs_of
from declnet.testing.trial import SAMPLES, USUAL, Setting, Trial, in_order
from declnet.testing.watched import call_locked

MANY = 20 * SAMPLES
"""Samples for batches of more than a hundred."""


@dataclass(frozen=True)
class _MetricData:
    """Predictions, float64, and y as passed by a user, with a name for messages.

    Attributes:
        perfect: the best possible predictions, if known.
    """

    name: str
    y_pred: Array
    y_true: Array
    perfect: Array | None


def _one_hot(rng: np.random.Generator, shape: Shape, y: Shape) -> tuple[Array, Array]:
    return distributions(rng, shape), np.eye(y[-1])[labels(rng, y[:-1], y[-1])]


def _binary(rng: np.random.Generator, shape: Shape, y: Shape) -> tuple[Array, Array]:
    return rng.uniform(0.05, 0.95, shape), labels(rng, y, 2)


_FORMS: dict[str, tuple[tuple[Pair, ...], Draw]] = {
    "labels": ((Pair((4,), ()),), DRAWS["classes"]["classes"]),
    "one-hot rows": ((Pair((4,), (4,)),), _one_hot),
    "binary targets": ((Pair((1,), (1,)), Pair((1,), ())), _binary),
    "values": ((Pair((3,), (3,)), Pair((1,), (1,)), Pair((1,), ())), DRAWS["values"]["normal"]),
}
"""Kinds of targets: usual shapes of a prediction and of a sample of y, and ways to draw them."""


def _candidates(metric: Metric, samples: int = SAMPLES) -> Iterator[_MetricData]:
    """Yield each kind of targets that a metric may take, in its `example_shapes` or usual ones."""
    declared = pairs_of(metric.example_shapes, lambda shape: shape)
    for form, (usual, draw) in _FORMS.items():
        for pair in declared or usual:
            shape, y = (samples, *pair.shape), (samples, *pair.y)
            fits = {"labels": len(shape) > 1 and y == shape[:-1], "one-hot rows": y == shape}
            if not fits.get(form, True):
                continue
            y_pred, y_true = draw(np.random.default_rng(23), shape, y)
            perfect = y_true.astype(float)
            if form == "labels" and not declared:  # the meaning of example shapes is unknown
                perfect = np.eye(shape[-1])[y_true]
            known = perfect.reshape(shape) if perfect.size == prod(shape) else None
            yield _MetricData(f"{form} {('n', *pair.y)}".replace("'", ""), y_pred, y_true, known)


class _MetricHarness:
    """A metric that gets batches that share memory."""

    def __init__(self, metric: Metric, setting: Setting = USUAL) -> None:
        self._setting, self._metric, self._memory = setting, metric, dict[int, Array]()
        with calling("start"):
            self._state = metric.start()

    def add(self, data: _MetricData, part: slice) -> None:
        """Add a batch, of which the metric may only read the arrays."""
        size, order = len(data.y_true[part]), self._setting.input_order
        if size not in self._memory:
            self._memory[size] = in_order(data.y_pred[part], order, self._setting.dtype)
        y_pred, y_true = self._memory[size], data.y_true[part].copy()
        np.copyto(y_pred, data.y_pred[part], casting="same_kind")
        update = partial(self._metric.update, self._state, y_pred, y_true)
        call_locked("update", update, {"y_pred": y_pred, "y_true": y_true})

    def restore(self) -> None:
        """Go on with the state as written and read back, unless it cannot be written."""
        with suppress(ValueError):  # a run would restart its epoch
            self._state = stored_copy(self._state, self._metric.start())

    def result(self) -> float:
        """Return the metric of what was added."""
        with calling("result"):
            return verified(Metric.result, self._metric, self._state)


def _result_of(metric: Metric, data: _MetricData, setting: Setting = USUAL) -> float:
    """Return the metric of the data, in one batch or cut according to the setting."""
    harness, other = _MetricHarness(metric, setting), _MetricHarness(metric, setting)
    factor = len(data.y_true) // SAMPLES
    cuts = setting.cuts or ((6,) if setting.restored else ())
    cuts = tuple(factor * cut + (factor > 1) for cut in cuts)
    for number, (start, stop) in enumerate(pairwise([0, *cuts, len(data.y_true)]), start=1):
        harness.add(data, slice(start, stop))
        if setting.beside:
            other.add(data, slice(3))
        if setting.restored == number:
            harness.restore()
    return harness.result()


def _results(subject: Subject) -> dict[str, float | CheckFailed]:
    """Return the metric of each kind of data, or how it fails, by the data's name."""

    def find(data: _MetricData) -> float | CheckFailed:
        try:
            return _result_of(subject.instance, data)
        except CheckFailed as failure:
            return failure

    candidates = _candidates(subject.instance)
    return subject.once("results", lambda: {data.name: find(data) for data in candidates})


def _taken_by(subject: Subject) -> list[str]:
    """Return the names of data with a finite metric; raise CheckSkipped if there are none."""
    accepted = [
        name
        for name, result in _results(subject).items()
        if isinstance(result, ReadOnlyWrittenError)
        or (isinstance(result, float) and np.isfinite(result))
    ]
    if not accepted:
        raise CheckSkipped("no data is known that the metric takes")
    return accepted


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Compute the metric for each kind of data, with few samples and with many."""
    trial, accepted = Trial(), _taken_by(subject)
    for samples in (SAMPLES, MANY):
        for data in _candidates(subject.instance, samples):
            if data.name in accepted:
                name = f"the result for {samples} samples of {data.name}"
                trial.outputs[name] = np.array([_result_of(subject.instance, data, setting)])
    return trial


@check
def takes_usual_data(subject: Subject) -> None:
    """Gives a finite number for at least one usual form of targets, or for its example shapes."""
    try:
        _taken_by(subject)
    except CheckSkipped:
        faults = "; ".join(f"{name}: {result}" for name, result in _results(subject).items())
        raise CheckFailed(f"it gives no finite number ({faults})") from None


@check
def says_which_values_are_better(subject: Subject) -> None:
    """Rates perfect predictions no worse than random ones, according to `better`."""
    metric, accepted = subject.instance, _taken_by(subject)
    if metric.better is None:
        raise CheckSkipped(
            'it does not say which values are better; set better = "higher" or "lower", or the '
            "best number, so that callbacks can monitor it"
        )
    for data in _candidates(metric):
        if data.name not in accepted or data.perfect is None:
            continue
        random, perfect = (
            _result_of(metric, replace(data, y_pred=y_pred))
            for y_pred in (data.y_pred, data.perfect)
        )
        if not as_loss(perfect, metric.better) <= as_loss(random, metric.better):
            raise CheckFailed(
                f"better is {metric.better!r}, but for {data.name} it gives {perfect:.9g} for "
                f"perfect predictions and {random:.9g} for random ones"
            )


CHECKS = (
    takes_usual_data,
    leaves_inputs_alone,
    *USED_ONCE,
    takes_any_memory_order,
    takes_float32_and_float64,
    parts_equal_the_whole,
    keeps_uses_apart,
    continues_when_restored,
    says_which_values_are_better,
)
