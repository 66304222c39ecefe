"""What a metric promises: the number over all samples, however they come in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from declnet.components.arrays import Array
from declnet.components.metric import Metric
from declnet.graph.blocks import batch_view
from declnet.testing.check import (
    CheckFailed,
    CheckSkipped,
    ReadOnlyWrittenError,
    Subject,
    calling,
    check,
)
from declnet.testing.harness import NO_LOSS, Watched, call_locked
from declnet.testing.loss_harness import Pair, pairs_of
from declnet.testing.trial import POISONS, SAMPLES, USUAL, Setting, Trial, poison
from declnet.testing.trial_checks import (
    USED_ONCE,
    leaves_inputs_alone,
    takes_any_memory_order,
    takes_float32_and_float64,
)
from declnet.training.metrics import MetricAccumulator

DIVISIONS = ((5, 5), (7, 3), (1, 2, 7), (1,) * SAMPLES)
"""Sizes of batches."""

LARGE_DIVISIONS = ((200,), (65, 135), (64, 64, 64, 8))
"""Sizes of batches of many samples."""

LABELS, ONE_HOT = "labels", "one-hot rows"
BINARY, VALUES = "binary targets", "values"

USUAL_PAIRS = {
    LABELS: (Pair((4,), ()),),
    ONE_HOT: (Pair((4,), (4,)),),
    BINARY: (Pair((1,), (1,)), Pair((1,), ())),
    VALUES: (Pair((3,), (3,)), Pair((1,), (1,)), Pair((1,), ())),
}
"""Shapes of a prediction and of a sample of y, by the sort of targets."""


@dataclass(frozen=True)
class MetricData:
    """Predictions, float64, and y as a user gives it, with a name for messages.

    Attributes:
        perfect: predictions that are as good as they can be, if it is known which are.
    """

    name: str
    y_pred: Array
    y_true: Array
    perfect: Array | None = None


def candidates(metric: Metric, samples: int = SAMPLES) -> Iterator[MetricData]:
    """Yield each sort of targets that a metric may take, in its `example_shapes` or usual ones."""
    own = pairs_of(metric.example_shapes, lambda shape: shape)
    for sort, usual in USUAL_PAIRS.items():
        for pair in own or usual:
            data = _drawn(sort, pair, samples)
            if data is not None:
                yield data


def _drawn(sort: str, pair: Pair, samples: int) -> MetricData | None:
    """Predictions and targets of a sort, or None if it does not have such shapes."""
    rng, shape, y_shape = np.random.default_rng(23), (samples, *pair.shape), (samples, *pair.y)
    name, classes = f"{sort} {('n', *pair.y)}".replace("'", ""), shape[-1]
    if sort == VALUES:
        y, y_pred = rng.normal(size=y_shape), rng.normal(size=shape)
        fits = prod(shape) == prod(y_shape)
        return MetricData(name, y_pred, y, y.reshape(shape) if fits else None)
    if sort == BINARY:
        y = np.float64(np.arange(prod(y_shape)) % 2).reshape(y_shape)
        y_pred = rng.uniform(0.05, 0.95, shape)
        fits = prod(shape) == prod(y_shape)
        return MetricData(name, y_pred, y, y.reshape(shape).astype(float) if fits else None)
    if len(shape) < 2 or classes < 2:
        return None
    scores = np.exp(rng.normal(size=shape))
    scores /= scores.sum(axis=-1, keepdims=True)
    labels = rng.permutation(np.arange(prod(shape[:-1])) % classes).reshape(shape[:-1])
    perfect = np.eye(classes)[labels]
    if sort == LABELS and y_shape == shape[:-1]:
        return MetricData(name, scores, labels, perfect)
    return MetricData(name, scores, perfect, perfect) if y_shape == shape else None


class MetricHarness:
    """One count of a metric over batches, which come in the same memory one after the other."""

    def __init__(self, metric: Metric, setting: Setting = USUAL) -> None:
        self._setting, self._watched = setting, _WatchedMetric(metric)
        with calling("start"):
            self._accumulator = MetricAccumulator(NO_LOSS, [self._watched])  # type: ignore[list-item]  # seems to be one

    def update(self, data: MetricData, batches: Sequence[int]) -> None:
        """Add the data in batches of these sizes; their memory is poisoned after each."""
        shape, first = data.y_pred.shape[1:], 0
        memory = np.empty(max(batches) * prod(shape), self._setting.dtype)
        for size in batches:
            part = slice(first, first + size)
            first += size
            y_pred = batch_view(memory, shape, size, self._setting.input_order)
            np.copyto(y_pred, data.y_pred[part], casting="same_kind")
            y_true = data.y_true[part].copy()
            self._watched.traits["data"] = data.name
            self._accumulator.add(y_pred, y_true, 0.0, 0.0)
            poison(memory, self._setting.poison)
            poison(y_true, self._setting.poison)

    def result(self) -> float:
        """Return the number over all that was added."""
        with calling("result"):
            return self._accumulator.result()[self._watched.label]


class _WatchedMetric(Watched):
    """A metric that may only read what it is handed."""

    def update(self, state: object, y_pred: Array, y_true: Array) -> None:
        """Run update."""
        locked = {"y_pred": y_pred, "y_true": y_true}
        call = lambda: self.component.update(state, y_pred, y_true)  # noqa: E731
        call_locked(f"update with {self.data}", call, locked)


def result_of(
    metric: Metric,
    data: MetricData,
    batches: Sequence[int] = (SAMPLES,),
    setting: Setting = USUAL,
) -> float:
    """Return the metric of the data in batches of these sizes."""
    harness = MetricHarness(metric, setting)
    harness.update(data, batches)
    return harness.result()


def taken_by(subject: Subject) -> tuple[MetricData, ...]:
    """Return the data that the metric takes: those for which it gives a finite number.

    Raises:
        CheckSkipped: it takes none.
    """

    def find() -> tuple[MetricData, ...]:
        metric = subject.instance
        return tuple(data for data in candidates(metric) if _takes(metric, data))

    taken = subject.once("data", find)
    if not taken:
        raise CheckSkipped("no data is known that the metric takes")
    return taken


def _takes(metric: Metric, data: MetricData) -> bool:
    try:
        return bool(np.isfinite(result_of(metric, data, setting=USUAL.but(poison=0.0))))
    except ReadOnlyWrittenError:
        return True
    except CheckFailed:
        return False


def try_metric(subject: Subject, setting: Setting) -> Trial:
    """Compute the number for each sort of data, which comes in two batches."""
    trial = Trial()
    for data in taken_by(subject):
        found = result_of(subject.instance, data, (6, SAMPLES - 6), setting)
        trial.outputs[f"the result for {data.name}"] = np.array([found])
    return trial


@check
def takes_usual_data(subject: Subject) -> None:
    """Gives a finite number for at least one usual sort of targets, or for its example shapes."""
    try:
        taken_by(subject)
    except CheckSkipped:
        faults = []
        for data in candidates(subject.instance):
            try:
                faults.append(f"{data.name}: {result_of(subject.instance, data)}")
            except CheckFailed as failure:
                faults.append(f"{data.name}: {failure}")
        raise CheckFailed(f"it gives no finite number ({'; '.join(faults)})") from None


@check
def batches_equal_the_whole(subject: Subject) -> None:
    """Gives the same number for any division into batches, whose memory is used again."""
    taken = {data.name for data in taken_by(subject)}
    for samples, divisions in ((SAMPLES, DIVISIONS), (200, LARGE_DIVISIONS)):
        for data in candidates(subject.instance, samples):
            if data.name not in taken:
                continue
            whole = result_of(subject.instance, data, (samples,))
            for sizes in divisions:
                for spoiled in POISONS:
                    setting = USUAL.but(poison=spoiled)
                    found = result_of(subject.instance, data, sizes, setting)
                    if not abs(found - whole) <= 1e-9 * max(abs(whole), 1e-3):
                        raise CheckFailed(
                            f"for {data.name} it gives {found:.9g} in batches of {sizes}, but "
                            f"{whole:.9g} at once; sum over samples and divide in result(), and "
                            "keep no reference to a batch's arrays"
                        )


@check
def counts_apart(subject: Subject) -> None:
    """Keeps what it counts in the state that `start` gives, so that two counts do not mix."""
    for data in taken_by(subject):
        alone = result_of(subject.instance, data)
        first, second = (MetricHarness(subject.instance) for _ in range(2))
        first.update(data, (SAMPLES,))
        second.update(data, (3,))
        found = first.result()
        if found != alone or first.result() != found:
            raise CheckFailed(
                f"for {data.name} it gives {found:.9g} instead of {alone:.9g} if another count is "
                "started in between or the result is asked for twice"
            )


@check
def says_which_values_are_better(subject: Subject) -> None:
    """Rates perfect predictions no worse than random ones, by its own `better`."""
    better = subject.instance.better
    if better is None:
        raise CheckSkipped(
            'it does not say which values are better; set better = "higher" or "lower", so that '
            "callbacks can monitor it"
        )
    compared = 0
    for data in taken_by(subject):
        if data.perfect is None:
            continue
        perfect = MetricData(data.name, data.perfect, data.y_true)
        found, best = result_of(subject.instance, data), result_of(subject.instance, perfect)
        compared += 1
        worse = best < found if better == "higher" else best > found
        if worse:
            raise CheckFailed(
                f"better is {better!r}, but for {data.name} it gives {best:.9g} for perfect "
                f"predictions and {found:.9g} for random ones"
            )
    if not compared:
        raise CheckSkipped("it is not known which predictions are perfect")


CHECKS = (
    takes_usual_data,
    leaves_inputs_alone,
    *USED_ONCE,
    takes_any_memory_order,
    takes_float32_and_float64,
    batches_equal_the_whole,
    counts_apart,
    says_which_values_are_better,
)
