"""One metric, with predictions and targets of the sorts that it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.components.metric import Metric
from declnet.testing.failures import CheckFailed, CheckSkipped, calling
from declnet.testing.settings import USUAL, Block, Setting, poison
from declnet.testing.subjects import Subject
from declnet.testing.trial import Trial

SAMPLES = 10
CLASSES = 4


@dataclass(frozen=True)
class MetricData:
    """Predictions, float64, and y as a user gives it, with a name for messages."""

    name: str
    y_pred: Array
    y_true: Array


def candidates() -> Iterator[MetricData]:
    """The sorts of targets that a metric may take."""
    rng = np.random.default_rng(23)
    scores = np.exp(rng.normal(size=(SAMPLES, CLASSES)))
    rows = scores / scores.sum(axis=1, keepdims=True)
    labels = rng.permutation(np.arange(SAMPLES) % CLASSES)
    yield MetricData("labels (n,)", rows, labels)
    yield MetricData("one-hot rows (n, classes)", rows, np.eye(CLASSES)[labels])
    chances, binary = rng.uniform(0.05, 0.95, (SAMPLES, 1)), np.arange(SAMPLES) % 2
    yield MetricData("binary targets (n, 1)", chances, binary[:, None])
    yield MetricData("binary targets (n,)", chances, binary)
    values = rng.normal(size=(SAMPLES, 3))
    yield MetricData("values (n, 3)", values, rng.normal(size=(SAMPLES, 3)))
    yield MetricData("values (n, 1)", values[:, :1], rng.normal(size=(SAMPLES, 1)))
    yield MetricData("values (n,)", values[:, :1], rng.normal(size=SAMPLES))


class MetricBench:
    """One count of a metric over batches, which come in the same memory one after the other."""

    def __init__(self, metric: Metric, setting: Setting = USUAL) -> None:
        self.metric, self.setting = metric, setting
        with calling("start"):
            self.state: Any = metric.start()

    def update(self, data: MetricData, batches: Sequence[int], trial: Trial | None = None) -> None:
        """Adds the data in batches of these sizes; their memory is poisoned after each."""
        block, first = Block(data.y_pred.shape[1:], self.setting, self.setting.input_order), 0
        for size in batches:
            part = slice(first, first + size)
            first += size
            y_pred, y_true = block.holding(data.y_pred[part]), data.y_true[part].copy()
            watched = {"y_pred": y_pred, "y_true": y_true}
            note = trial.watch(watched, f" for {data.name}") if trial else None
            with calling(f"update with {data.name}"):
                self.metric.update(self.state, y_pred, y_true)
            if note:
                note()
            block.poisoned(size)
            poison(y_true, self.setting.poison)

    def result(self) -> float:
        """The figure."""
        with calling("result"):
            return float(self.metric.result(self.state))


def figure(
    metric: Metric,
    data: MetricData,
    batches: Sequence[int] = (SAMPLES,),
    setting: Setting = USUAL,
    trial: Trial | None = None,
) -> float:
    """The metric of the data in batches of these sizes."""
    bench = MetricBench(metric, setting.but(capacity=SAMPLES))
    bench.update(data, batches, trial)
    return bench.result()


def taken_by(subject: Subject) -> tuple[MetricData, ...]:
    """The data that the metric takes: those for which it gives a finite number.

    Raises:
        CheckSkipped: it takes none.
    """
    taken = subject.once("data", lambda: tuple(filter(_taking(subject.instance), candidates())))
    if not taken:
        raise CheckSkipped("no data is known that the metric takes")
    return taken


def _taking(metric: Metric) -> Any:
    def takes(data: MetricData) -> bool:
        try:
            return bool(np.isfinite(figure(metric, data, setting=USUAL.but(poison=0.0))))
        except CheckFailed:
            return False

    return takes


def try_metric(subject: Subject, setting: Setting) -> Trial:
    """The figure of each sort of data, in a whole batch or, if capacity allows, in two."""
    trial = Trial()
    for data in taken_by(subject):
        found = figure(subject.instance, data, (6, SAMPLES - 6), setting, trial)
        trial.outputs[f"the result for {data.name}"] = np.array([found])
    return trial
