"""Overfitting a few samples: a network that cannot do even this has a fault."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from declnet import (
    Array,
    DivergenceError,
    Loss,
    Model,
    ReadyData,
    RunSpec,
    StepwiseTraining,
    number_literal,
)
from declnet.inspection.overfitting.layers import Fault, LayerFaults, LayerView
from declnet.inspection.rates.search import candidates
from declnet.inspection.rates.trainings import Trainings, Trial, with_rate

SAMPLES, UPDATES, SECONDS = 16, 5000, 60.0
"""The defaults: samples, updates of each training, and the time for all of them."""

CHUNK = 25
"""Updates between two evaluations of the loss."""

ABOUT_ZERO = 0.01
"""The loss counts as zero at this fraction of the way from its lowest value up to the loss of the
best constant prediction."""

SPLIT = 4
"""The number of the random stream that divides samples, as documented in `docs/design.md`."""

HARDLY = 0.1
"""A rate is too low if the loss has fallen by less than this fraction of the same way."""


@dataclass(frozen=True)
class Overfitting:
    """The outcome of overfitting a few samples.

    Attributes:
        samples: the number of samples.
        classes: the number of classes among them; None if the targets are not classes.
        goal: the loss that counts as zero.
        start: the loss of the untrained model.
        attempts: the trainings, each with its final data loss; the first has the spec's rate.
        succeeded: whether one of them reached `goal`.
        fault: what prevents it, or is wrong in any case; None if nothing was found.
        note: a remark on something that is not a fault, if any.
        layers: the observations of each layer.
    """

    samples: int
    classes: int | None
    goal: float
    start: float
    attempts: tuple[Trial, ...]
    succeeded: bool
    fault: Fault | None
    note: str | None
    layers: tuple[LayerView, ...]

    @property
    def best(self) -> Trial:
        """The attempt with the lowest loss."""
        return min(self.attempts, key=lambda attempt: attempt.loss)


def overfit(
    training: StepwiseTraining,
    *,
    samples: int = SAMPLES,
    updates: int = UPDATES,
    seconds: float = SECONDS,
    watch: Callable[[Trial], None] = lambda _: None,
) -> Overfitting:
    """Train a spec's model on a few samples until their loss is about zero.

    Every step uses all samples, unweighted and without augmentation; the learning rate is constant,
    and nothing is regularized. Layers that behave differently in training, such as dropout, do so
    here too, but the result is the training loss or the loss of an evaluation, whichever is lower.
    If the spec's rate does not suffice, others are tried. No file is written.

    Args:
        training: the training of the spec, before its first step.
        samples: the number of samples to take, including some of each class.
        updates: the most updates of each training.
        seconds: no training starts, and the last one ends, after this time.
        watch: called after each training.

    Raises:
        DivergenceError: the loss of the untrained model is NaN or infinite.
        ComponentError: a component raised an exception.
    """
    labels = training.labels()
    few = _few(training.samples(), labels, samples, training.spec.seed)
    classes = None if labels is None else len(np.unique(labels))
    small = training.with_samples(few, _simplified(training, updates), penalties=False)
    outcome = _Search(small, few, classes, seconds, watch).outcome()
    if len(few) < min(max(2, classes or 0), training.count()):
        inputs = "1 distinct input" if len(few) == 1 else f"{len(few)} distinct inputs"
        reason = f"the training samples have only {inputs}"
        remedy = "check which columns are inputs, and how they are prepared"
        outcome = replace(outcome, fault=Fault(None, "data", reason, remedy))
    return outcome


def _simplified(training: StepwiseTraining, updates: int) -> RunSpec:
    """Return a spec whose every update has the peak of its learning rate."""
    spec, total = training.spec, training.steps
    steps = np.linspace(1, total, min(total, 1000)).astype(int).tolist()
    peak = max(spec.optimizer.rate(step, total) for step in steps)
    optimizer = spec.optimizer.model_copy(update={"learning_rate": peak, "decay": 0.0})
    length = spec.training.model_copy(update={"epochs": updates})
    return spec.model_copy(update={"optimizer": optimizer, "training": length})


def _few(data: ReadyData, labels: Array | None, count: int, seed: int) -> ReadyData:
    """Return a few samples with distinct inputs, taken from each class in turn."""
    stream = np.random.SeedSequence(seed, spawn_key=(SPLIT, 1))
    order = np.random.default_rng(stream).permutation(len(data))
    groups = [order]
    if labels is not None:
        groups = [order[labels[order] == label] for label in np.unique(labels)]
    count = max(count, len(groups))
    chosen: list[int] = []
    contents: set[bytes] = set()
    waiting = [iter(group.tolist()) for group in groups]
    while waiting and len(chosen) < count:
        for group in list(waiting):
            position = next((at for at in group if _is_new(data, at, contents)), None)
            if position is None:
                waiting.remove(group)
            elif len(chosen) < count:
                chosen.append(position)
    return replace(data.take(np.sort(np.array(chosen))), weights=None)


def _is_new(data: ReadyData, position: int, contents: set[bytes]) -> bool:
    """Return whether a sample has another input than those in `contents`, and add it to them."""
    inputs = (np.ascontiguousarray(array[position : position + 1]) for array in data.x.values())
    content = b"".join(array.tobytes() for array in inputs)
    is_new = content not in contents
    contents.add(content)
    return is_new


class _Search:
    """Trainings on a few samples, with the spec's rate and then with others."""

    def __init__(
        self,
        training: StepwiseTraining,
        few: ReadyData,
        classes: int | None,
        seconds: float,
        watch: Callable[[Trial], None],
    ) -> None:
        self._training, self._spec, self._few = training, training.spec, few
        self._classes, self._watch = classes, watch
        self._end = time.perf_counter() + seconds
        self._best: tuple[float, dict[str, Array]] | None = None

    def outcome(self) -> Overfitting:
        """Train until an attempt succeeds, and look for a fault."""
        training, spec = self._training, self._spec
        with np.errstate(all="ignore"):
            start = training.evaluate("train")["data_loss"]
            lowest, constant = _bounds(spec, self._few, training.model)
        span = (constant if constant is not None else start) - lowest
        goal = lowest + ABOUT_ZERO * max(span, 1e-9)
        rate = float(spec.optimizer.learning_rate)  # type: ignore[arg-type]  # simplified
        attempts = [self._attempt(rate, goal)]
        if attempts[0].loss > goal:
            for other in self._other_rates(rate):
                if time.perf_counter() > self._end:
                    break
                attempts.append(self._attempt(other, goal))
                if attempts[-1].loss <= goal:
                    break
        succeeded = attempts[-1].loss <= goal
        training.restart()
        initial = training.model.parameters()
        after = initial if self._best is None else self._best[1]
        inputs = {name: np.asarray(array) for name, array in self._few.x.items()}
        layers = LayerFaults(training.model, inputs, after)
        fault, note = layers.fault(succeeded=succeeded), None
        if succeeded and len(attempts) > 1:
            fault = fault or _fault_of_rate(attempts[0], attempts[-1], start, HARDLY * span)
            if fault is None:
                note = (
                    f"the spec's learning rate of {number_literal(rate, 4)} only reached a loss of "
                    f"{attempts[0].loss:.3g} in {attempts[0].updates} updates"
                )
        return Overfitting(
            len(self._few),
            self._classes,
            goal,
            start,
            tuple(attempts),
            succeeded,
            fault,
            note,
            layers.views,
        )

    def _other_rates(self, rate: float) -> Iterator[float]:
        """Yield other rates, the nearest to the one that a range test suggests first."""
        self._training.restart(self._spec, adapt=False)
        curve = Trainings(self._training).range_test()
        rates = [candidate for candidate in candidates(curve, rate) if candidate != rate]
        yield from sorted(rates, key=lambda other: abs(math.log(other / curve.suggested)))

    def _attempt(self, rate: float, goal: float) -> Trial:
        """Train with a rate until the loss is low enough."""
        training = self._training
        training.restart(with_rate(self._spec, rate))
        updates, loss = 0, math.inf
        try:
            while updates < training.steps and loss > goal and time.perf_counter() < self._end:
                mean = training.advance(CHUNK, explain=False)
                loss = min(mean, training.evaluate("train")["data_loss"])
                updates = training.step
        except DivergenceError:
            loss = math.inf
        loss = loss if math.isfinite(loss) else math.inf
        if math.isfinite(loss) and (self._best is None or loss < self._best[0]):
            self._best = loss, training.model.parameters()
        attempt = Trial(rate, updates, loss)
        self._watch(attempt)
        return attempt


def _fault_of_rate(first: Trial, good: Trial, start: float, least: float) -> Fault | None:
    """Return the fault of a rate with which the loss did not become zero, if it is one."""
    rate = f"the learning rate of {number_literal(first.rate, 4)}"
    better = number_literal(good.rate, 2)
    remedy = f"set it to {better}, or search for a better one with `declnet find-rate`"
    if good.rate < first.rate:
        after = "the loss diverged" if first.diverged else f"the loss stays at {first.loss:.3g}"
        return Fault(None, "optimizer", f"{rate} is too high: {after}", remedy)
    if start - first.loss < least:
        return Fault(None, "optimizer", f"{rate} is too low: the loss hardly falls", remedy)
    return None


def _bounds(spec: RunSpec, data: ReadyData, model: Model) -> tuple[float, float | None]:
    """Return the lowest possible loss, and the lowest of constant predictions, if all are known.

    Of several losses, it is the weighted sum.
    """
    lowest, constants = 0.0, list[float]()
    for head, y_true in zip(spec.heads, data.y_true, strict=True):
        low, constant = _bounds_of(head.loss, y_true, model.output(head.output).output_shape)
        lowest += head.weight * low
        constants += [] if constant is None else [head.weight * constant]
    return lowest, sum(constants) if len(constants) == len(spec.heads) else None


def _bounds_of(loss: Loss, y_true: Array, shape: Sequence[int]) -> tuple[float, float | None]:
    """Return the lowest possible value of a loss, and its value for the best constant prediction.

    They are found by evaluating the loss itself, since e.g. label smoothing makes its lowest value
    greater than 0. If the targets do not have the shape of predictions: 0 and None.
    """
    if y_true.shape[1:] != tuple(shape) or y_true.dtype.kind != "f":
        return 0.0, None
    mean = np.broadcast_to(y_true.mean(axis=0), y_true.shape)
    if loss.takes in ("distribution", "probabilities"):
        rest = 1 / shape[-1] if loss.takes == "distribution" else 0.5
        confident = (
            share * y_true + (1 - share) * rest for share in 1 - np.logspace(-7, -0.01, 99)
        )
        return min(_mean_loss(loss, y_pred, y_true) for y_pred in confident), _mean_loss(
            loss, mean, y_true
        )
    if loss.takes in ("logits", "scores"):
        centered = 2 * y_true - 1
        sure = min(_mean_loss(loss, scale * centered, y_true) for scale in np.logspace(-1, 2, 99))
        return sure, _mean_loss(loss, np.zeros_like(y_true), y_true)
    return _mean_loss(loss, y_true.copy(), y_true), _mean_loss(loss, mean, y_true)


def _mean_loss(loss: Loss, y_pred: Any, y_true: Array) -> float:
    losses = np.empty(len(y_true), y_true.dtype)
    loss.forward(np.array(y_pred, y_true.dtype), y_true, losses)
    return float(losses.mean())
