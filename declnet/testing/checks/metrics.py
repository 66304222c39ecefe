"""Checks on metrics: the result over all samples does not depend on the batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from math import isfinite, isnan, prod
from typing import Any

import numpy as np

from declnet import Array, Metric, as_loss, stored_copy, verified
from declnet.testing import checking
from declnet.testing.checking import CheckFailed, Subject, calling, check, checks_in, require
from declnet.testing.checks import common
from declnet.testing.checks.losses import DRAWS, Draw, Pair, distributions, labels, pairs_of
from declnet.testing.comparison import require_equal, same
from declnet.testing.trial import SAMPLES, USUAL, VALUES, Setting, Trial, in_order, on_grid
from declnet.testing.watched import call_locked

MANY = 20 * SAMPLES  # for batches of more than a hundred


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

    def take(self, rows: Any) -> _MetricData:
        """Return some of the samples."""
        return replace(self, y_pred=self.y_pred[rows], y_true=self.y_true[rows])


_FORMS: dict[str, tuple[tuple[Pair, ...], Draw]] = {
    "labels": ((Pair((4,), ()),), DRAWS["classes"]["classes"]),
    "one-hot rows": (
        (Pair((4,), (4,)),),
        lambda rng, x, y: (distributions(rng, x), np.eye(y[-1])[labels(rng, y[:-1], y[-1])]),
    ),
    "binary targets": ((Pair((1,), (1,)), Pair((1,), ())), DRAWS["binary"]["binary"]),
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
            self.state = metric.start()

    def add(self, batch: _MetricData) -> None:
        """Add a batch, of which the metric may only read the arrays."""
        size, order = len(batch.y_true), self._setting.input_order
        if size not in self._memory:
            self._memory[size] = in_order(batch.y_pred, order, self._setting.dtype)
        y_pred, y_true = self._memory[size], batch.y_true.copy()
        np.copyto(y_pred, batch.y_pred, casting="same_kind")
        update = partial(self._metric.update, self.state, y_pred, y_true)
        call_locked("update", update, {"y_pred": y_pred, "y_true": y_true})

    def result(self) -> float:
        """Return the metric of what was added."""
        with calling("result"):
            return verified(Metric.result, self._metric, self.state)


def _result_of(metric: Metric, data: _MetricData, setting: Setting = USUAL) -> float:
    """Return the metric of the data, in one batch or cut according to the setting."""
    harness, other = _MetricHarness(metric, setting), _MetricHarness(metric, setting)
    factor = len(data.y_true) // SAMPLES
    cuts = setting.cuts or ((6,) if setting.restored else ())
    cuts = tuple(factor * cut + (factor > 1) for cut in cuts)
    for number, (start, stop) in enumerate(pairwise([0, *cuts, len(data.y_true)]), start=1):
        harness.add(data.take(slice(start, stop)))
        if setting.beside:
            other.add(data.take(slice(3)))
        if setting.restored == number:
            with suppress(ValueError):  # it cannot be written, so a run would restart its epoch
                harness.state = stored_copy(harness.state, metric.start())
    return harness.result()


def _taken(subject: Subject, samples: int = SAMPLES) -> list[_MetricData]:
    """Return the data for which the metric is finite; raise CheckFailed if there is none."""

    def fault(data: _MetricData) -> str:
        try:
            result = _result_of(subject.instance, data)
        except CheckFailed as failure:  # other checks report what it writes to
            return str(failure) if type(failure) is CheckFailed else ""
        return "" if isfinite(result) else str(result)

    candidates = partial(_candidates, subject.instance)
    faults = subject.once("faults", lambda: {data.name: fault(data) for data in candidates()})
    if all(faults.values()):
        text = "; ".join(f"{name}: {fault}" for name, fault in faults.items())
        raise CheckFailed(f"it gives no finite number ({text})", text)
    return [data for data in candidates(samples) if not faults[data.name]]


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Compute the metric for each kind of data, with few samples and with many."""
    trial = Trial()
    for samples in (SAMPLES, MANY):
        for data in _taken(subject, samples):
            name = f"the result for {samples} samples of {data.name}"
            trial.outputs[name] = np.array([_result_of(subject.instance, data, setting)])
    return trial


@check
def takes_unusual_data(subject: Subject) -> None:
    """Gives a number for one sample, equal ones, zeros, ±1e4; NaN if undefined, as for no batch."""
    result = _MetricHarness(subject.instance).result()
    require(isnan(result), f"without a batch it gives {result:g}, not NaN")
    for data in _taken(subject):
        for name, unusual, is_defined in _unusual(data):
            try:
                result = _result_of(subject.instance, unusual)
            except CheckFailed as failure:
                raise CheckFailed(f"for {name}, {data.name}: {failure}", failure.cause) from None
            is_right = isfinite(result) or (isnan(result) and not is_defined)
            require(is_right, f"for {name}, {data.name}, it gives {result:g}")


@check
def takes_samples_in_any_order(subject: Subject) -> None:
    """Gives the same for samples in another order, also if several predictions are equal."""
    order = np.random.default_rng(0).permutation(MANY)
    for data in _taken(subject, MANY):
        tied = replace(data, y_pred=data.y_pred[np.arange(MANY) % SAMPLES])
        result, other = (_result_of(subject.instance, some) for some in (tied, tied.take(order)))
        fault = f"the result for {data.name} depends on the order of samples"
        advice = "rank ties alike, add in float64"
        require_equal(np.array([other]), np.array([result]), fault, advice)


@check
def leaves_out_parts_as_others_say(subject: Subject) -> None:
    """Gives with `leaving_out`, for each part of the samples, the result of all others."""
    name = Metric.leaving_out.__name__
    overrides = getattr(type(subject.instance), name) is not Metric.leaving_out
    checking.skip_unless(overrides, f"it does not override {name}")
    part_of = np.arange(MANY) % 3
    for data in _taken(subject, MANY):
        samples = data.y_pred.copy(), data.y_true.copy(), part_of
        with calling(name):
            results = verified(Metric.leaving_out, subject.instance, *samples)
        for part, result in enumerate(results):
            of_others = _result_of(subject.instance, data.take(np.flatnonzero(part_of != part)))
            fault = f"{name} of {data.name}, without part {part},"
            require_equal(np.array([result]), np.array([of_others]), fault, "use all other samples")


@check
def adds_up_in_float64(subject: Subject) -> None:
    """Keeps sums and counts in float64, as those in float32 no longer grow when they are large."""
    for data in _taken(subject):
        single = data.y_true.astype("f4") if data.y_true.dtype.kind == "f" else data.y_true
        harness = _MetricHarness(subject.instance, USUAL.but(dtype="float32"))
        sums = []
        for _ in range(3):
            harness.add(replace(data, y_true=single))
            sums.append(_singles(harness.state))
        for before, after in zip(*sums[1:], strict=False):
            is_right = before.shape != after.shape or same(before, after)
            require(is_right, f"its state has a sum in {after.dtype}; use float() or dtype=float")


@check
def says_which_values_are_better(subject: Subject) -> None:
    """Rates perfect predictions no worse than random ones, according to `better`."""
    metric, better = subject.instance, subject.instance.better
    hint = 'set better = "higher" or "lower", or the best number, for callbacks to monitor it'
    checking.skip_unless(better is not None, f"it does not say which values are better; {hint}")
    for data in _taken(subject):
        if data.perfect is not None:
            random = _result_of(metric, data)
            perfect = _result_of(metric, replace(data, y_pred=data.perfect))
            numbers = f"{perfect:.9g} for perfect predictions and {random:.9g} for random ones"
            fault = f"better is {better!r}, but for {data.name} it gives {numbers}"
            require(as_loss(perfect, better) <= as_loss(random, better), fault)


def _unusual(data: _MetricData) -> Iterator[tuple[str, _MetricData, bool]]:
    """Yield unusual data of the same form, what it is, and whether each metric is defined."""
    y_pred, y_true = data.y_pred, data.y_true
    first = np.zeros(len(y_true), int)
    yield "one sample", data.take([0]), False
    yield "equal predictions", replace(data, y_pred=y_pred[first]), False
    yield "equal targets", replace(data, y_true=y_true[first]), False
    if data.perfect is not None:
        wrong = np.roll(data.perfect, 1, axis=0)
        yield "predictions of other targets", replace(data, y_pred=wrong), True
    if y_true.dtype.kind == "f" and not same(y_true, np.rint(y_true)):
        yield "targets of many sizes", replace(data, y_true=on_grid(y_true)), True
        for values, change in VALUES.items():
            yield f"targets that are {values}", replace(data, y_true=change(y_true)), False
            yield f"predictions that are {values}", replace(data, y_pred=change(y_pred)), False


def _singles(state: Any) -> list[Array]:
    """Return copies of the numbers and arrays in a state that are of less than float64."""
    fields = getattr(state, "__dict__", state)
    parts = fields.values() if isinstance(fields, Mapping) else fields
    parts = parts if isinstance(fields, Mapping | list | tuple) else [state]
    return [np.array(part) for part in parts if getattr(part, "dtype", None) in ("f2", "f4")]


_TYPES = (common.takes_any_memory_order, common.takes_float32_and_float64)
_OTHERS = (*common.USED_ONCE, *_TYPES, *common.DIVIDED)
CHECKS = (common.leaves_inputs_alone, *_OTHERS, *checks_in(globals()))
