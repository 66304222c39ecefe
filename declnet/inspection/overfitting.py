"""Overfitting a few samples: a network that cannot do even this has a fault."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.attribution import attributing_errors
from declnet.contracts.network.inputs import as_arrays, samples_of
from declnet.contracts.network.loss import Loss
from declnet.display.words import counted
from declnet.graph.model import Model
from declnet.inspection.layers import Fault, LayerView, find_fault, view_layers
from declnet.inspection.rates import candidates
from declnet.inspection.trainings import Curve, Trainings, Trial
from declnet.registry.registry import Registry
from declnet.runs.inference.member import readings_of
from declnet.runs.inference.predictions import OutputReading
from declnet.spec.document.editing import written
from declnet.spec.heads import Head
from declnet.spec.model import RunSpec
from declnet.spec.requirements import registry_for
from declnet.spec.streams import Stream, random_stream
from declnet.training.checks.check import Checked
from declnet.training.compiled_steps import NonFiniteLossError
from declnet.training.evaluation import Evaluation
from declnet.training.numerics import one_blas_thread
from declnet.training.preparation import Prepared, ReadyData, ReadySet, prepare

SAMPLES, UPDATES, SECONDS = 16, 5000, 60.0
"""The defaults: samples, updates of each training, and the time for all of them."""

CHUNK = 25
"""Updates between two evaluations of the loss."""

ABOUT_ZERO = 0.01
"""The loss counts as zero at this fraction of the way from its lowest value up to the loss of the
best constant prediction."""

HARDLY = 0.1
"""A rate is too low if the loss has fallen by less than this fraction of the same way."""


@dataclass(frozen=True)
class Overfitting:
    """The outcome of overfitting a few samples.

    Attributes:
        samples: the number of samples.
        classes: the number of classes among them; None if the targets are not classes.
        wanted: the loss that counts as zero.
        start: the loss of the untrained model.
        attempts: the trainings, each with its final data loss; the first has the spec's own rate.
        succeeded: whether one of them reached `wanted`.
        fault: what prevents it, or is wrong in any case; None if nothing was found.
        note: a remark on something that is not a fault, if any.
        layers: the observations of each layer.
    """

    samples: int
    classes: int | None
    wanted: float
    start: float
    attempts: tuple[Trial, ...]
    succeeded: bool
    fault: Fault | None
    note: str | None
    layers: tuple[LayerView, ...]

    @property
    def best(self) -> Trial:
        """The attempt with the lowest loss."""
        return min(self.attempts, key=lambda each: each.loss)


def overfit(
    spec: RunSpec,
    registry: Registry | None = None,
    *,
    samples: int = SAMPLES,
    updates: int = UPDATES,
    seconds: float = SECONDS,
    checked: Checked | None = None,
    watch: Callable[[Trial], None] = lambda _: None,
) -> Overfitting:
    """Train a spec's model on a few samples until their loss is about zero.

    Every step uses all samples, unweighted and without augmentation; the learning rate is constant,
    and nothing is regularized. Layers that behave differently in training, such as dropout, do so
    here too, but the result is the training loss or the loss of an evaluation, whichever is lower.
    If the spec's own rate does not suffice, others are tried. No file is written.

    Args:
        samples: the number of samples to take, including some of each class.
        updates: the most updates of each training.
        seconds: no training starts, and the last one ends, after this time.
        checked: the result of checking this same spec.
        watch: called after each training.

    Raises:
        SpecError: the spec is invalid.
        DataError: the data is invalid.
        DivergenceError: the loss of the untrained model is NaN or infinite.
        ComponentError: a component raised an exception.
    """
    registry = registry_for(spec.plugins, registry)
    with attributing_errors(registry):
        prepared = prepare(spec, registry, checked=checked)
        prepared.model.store.regularized.clear()
        reading = readings_of(spec.heads, prepared.model, prepared.preparation)[0]
        train = prepared.data["train"]
        few, classes = _few(train.whole, reading, samples, spec.seed)
        small = replace(prepared, data={"train": ReadySet.in_memory(few, unscale=train.unscale)})
        simple = _simplified(spec, len(train), updates)
        search = _Search(simple, small, registry, updates, seconds, watch)
        with one_blas_thread():
            found = search.carry_out()
    if len(few) < min(max(2, classes or 0), len(train)):
        reason = f"the training samples have only {counted(len(few), 'distinct input')}"
        fault = Fault(
            None, "data", reason, "check which columns are inputs, and how they are prepared"
        )
        found = replace(found, fault=fault)
    return replace(found, classes=classes)


def _simplified(spec: RunSpec, samples: int, updates: int) -> RunSpec:
    """Return a spec whose updates all use every sample and the peak of its learning rate."""
    total = spec.training.updates(samples)
    steps = np.linspace(1, total, min(total, 1000)).astype(int).tolist()
    peak = max(spec.optimizer.rate(step, total) for step in steps)
    changes: dict[str, Any] = {
        "epochs": updates,
        "max_steps": None,
        "batch_size": None,
        "accumulate": 1,
    }
    optimizer = spec.optimizer.model_copy(update={"learning_rate": peak, "decay": 0.0})
    training = spec.training.model_copy(update=changes)
    return spec.model_copy(update={"optimizer": optimizer, "training": training})


def _few(
    data: ReadyData, reading: OutputReading, count: int, seed: int
) -> tuple[ReadyData, int | None]:
    """Return a few samples with distinct inputs, taken from each class in turn."""
    order = random_stream(seed, Stream.SPLIT, 1).permutation(len(data))
    groups, classes = [order], None
    if reading.sort in ("classes", "binary"):
        labels = reading.true_labels(np.asarray(data.y[0]))
        found = np.unique(labels)
        groups, classes = [order[labels[order] == each] for each in found], len(found)
    chosen: list[int] = []
    seen: set[bytes] = set()
    waiting = [iter(each.tolist()) for each in groups]
    while waiting and len(chosen) < max(count, len(groups)):
        for group in list(waiting):
            position = next((each for each in group if _is_new(data, each, seen)), None)
            if position is None:
                waiting.remove(group)
            elif len(chosen) < max(count, len(groups)):
                chosen.append(position)
    at = np.sort(np.array(chosen))
    return replace(data.take(at), weights=None), classes


def _is_new(data: ReadyData, position: int, seen: set[bytes]) -> bool:
    """Return whether a sample has an input not seen before, and remember the input."""
    arrays = samples_of(data.x, slice(position, position + 1)).values()
    content = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)
    is_new = content not in seen
    seen.add(content)
    return is_new


class _Search:
    """Trainings on a few samples, with the spec's own rate and then with others."""

    def __init__(
        self,
        spec: RunSpec,
        prepared: Prepared,
        registry: Registry,
        updates: int,
        seconds: float,
        watch: Callable[[Trial], None],
    ) -> None:
        self.trainings = Trainings(spec, prepared, registry)
        few = prepared.data["train"]
        self._spec, self._model, self._few = spec, prepared.model, few.whole
        self._updates, self._watch = updates, watch
        self._end = time.perf_counter() + seconds
        self._evaluation = Evaluation(self._model, self.trainings.heads, few)
        self._initial = self._model.parameters()
        self._best: tuple[float, dict[str, Array]] = (math.inf, self._initial)

    def carry_out(self) -> Overfitting:
        """Train until an attempt succeeds, and look for a fault."""
        with np.errstate(all="ignore"):
            start = self._evaluation.evaluate()["data_loss"]
            lowest, constant = _bounds(self._spec.heads, self._few, self._model)
        span = (constant if constant is not None else start) - lowest
        wanted = lowest + ABOUT_ZERO * max(span, 1e-9)
        own = float(self._spec.optimizer.learning_rate)  # type: ignore[arg-type]  # simplified
        attempts = [self._attempt(own, wanted)]
        if attempts[0].loss > wanted:
            for rate in self._others(own):
                if time.perf_counter() > self._end:
                    break
                attempts.append(self._attempt(rate, wanted))
                if attempts[-1].loss <= wanted:
                    break
        succeeded = attempts[-1].loss <= wanted
        x = as_arrays(self._few.x)
        layers = view_layers(self._model, x, self._initial, self._best[1])
        fault = find_fault(self._model, x, layers, succeeded=succeeded)
        note = None
        if succeeded and len(attempts) > 1:
            rate_fault = _fault_of_rate(attempts[0], attempts[-1], start, HARDLY * span)
            fault = fault or rate_fault
            if fault is None:
                note = (
                    f"the spec's learning rate of {written(own, 4)} only reached a loss of "
                    f"{attempts[0].loss:.3g} in {attempts[0].updates} updates"
                )
        return Overfitting(
            len(self._few),
            None,
            wanted,
            start,
            tuple(attempts),
            succeeded,
            fault,
            note,
            layers,
        )

    def _others(self, own: float) -> Iterator[float]:
        """Yield other rates, the nearest to the one that a range test suggests first."""
        curve: Curve = self.trainings.range_test()
        rates = [candidate for candidate in candidates(curve, own) if candidate != own]
        yield from sorted(rates, key=lambda rate: abs(math.log(rate / curve.suggested)))

    def _attempt(self, rate: float, wanted: float) -> Trial:
        """Train with a rate until the loss is low enough."""
        optimizer = self._spec.optimizer.model_copy(update={"learning_rate": rate})
        compiled = self.trainings.compiled(self._spec.model_copy(update={"optimizer": optimizer}))
        self._initial = self._model.parameters()  # adapted to the data, the same every time
        if self._best[0] == math.inf:
            self._best = (math.inf, self._initial)
        done, loss = 0, math.inf
        try:
            while done < self._updates and loss > wanted and time.perf_counter() < self._end:
                count = min(CHUNK, self._updates - done)
                mean = self.trainings.run(compiled, compiled.update, done, count)
                loss = min(mean, self._evaluation.evaluate()["data_loss"])
                done += count
        except NonFiniteLossError:
            loss = math.inf
        loss = loss if math.isfinite(loss) else math.inf
        if loss < self._best[0]:
            self._best = (loss, self._model.parameters())
        attempt = Trial(rate, done, loss)
        self._watch(attempt)
        return attempt


def _fault_of_rate(own: Trial, good: Trial, start: float, least: float) -> Fault | None:
    """Return the fault of a rate with which the loss did not become zero, if it is one."""
    better = (
        f"set it to {written(good.rate, 2)}, or search for a better one with `declnet find-rate`"
    )
    if good.rate < own.rate:
        after = "the loss diverged" if own.diverged else f"the loss stays at {own.loss:.3g}"
        return Fault(
            None,
            "optimizer",
            f"the learning rate of {written(own.rate, 4)} is too high: {after}",
            better,
        )
    if start - own.loss < least:
        reason = f"the learning rate of {written(own.rate, 4)} is too low: the loss hardly falls"
        return Fault(None, "optimizer", reason, better)
    return None


def _bounds(heads: Sequence[Head], data: ReadyData, model: Model) -> tuple[float, float | None]:
    """Return the lowest possible loss, and the lowest of constant predictions, if all are known.

    Of several losses, it is the weighted sum.
    """
    lowest, constants = 0.0, list[float]()
    for head, y_true in zip(heads, data.y_true, strict=True):
        low, constant = _bounds_of(head.loss, y_true, model.output(head.output).output_shape)
        lowest += head.weight * low
        constants += [] if constant is None else [head.weight * constant]
    return lowest, sum(constants) if len(constants) == len(heads) else None


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
        return min(_mean_loss(loss, each, y_true) for each in confident), _mean_loss(
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
