"""Checks on losses: targets, gradients, independent samples, finite numbers.

A loss is tried after a probe that gives predictions, with shapes and targets that it accepts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import Any

import numpy as np

from declnet import Array, Loss, Model, Registry, Shape, TrainingStep, verified
from declnet.testing.checking import CheckFailed, CheckSkipped, Subject, calling, check
from declnet.testing.checks import native
from declnet.testing.checks.common import FILLS_ARRAYS, USED_ONCE, leaves_inputs_alone
from declnet.testing.comparison import require_equal, require_gradient, same
from declnet.testing.component_data import ExampleData
from declnet.testing.grid import SCALES
from declnet.testing.harness import ModelHarness, build, probe
from declnet.testing.trial import (
    SAMPLES,
    USUAL,
    WHOLE,
    Batch,
    Order,
    Setting,
    Trial,
    batch_for,
    in_order,
)
from declnet.testing.watched import WatchedLoss, call_locked

USUAL_SHAPES: dict[str, tuple[Shape, ...]] = {
    "values": ((1,), (3,), (2, 3)),
    "binary": ((1,), (3,), (2, 3)),
    "classes": ((3,), (5,)),
}
"""Shapes of a prediction, by the loss's kind of targets."""

FLOAT = np.dtype("float64")

REPEATS = np.arange(SAMPLES) % 3 + 1
"""Number of repetitions of each sample, which must be equivalent to such weights."""


class LossHarness:
    """A loss after a probe that gives predictions, for one prediction shape and setting."""

    def __init__(self, loss: Loss, shape: Shape, setting: Setting = USUAL) -> None:
        self._loss, self._shape, self._setting = loss, shape, setting
        self._watched = WatchedLoss(loss, spoiled=setting.poison)
        self._harness = ModelHarness(_model_before(shape, setting), setting, self._watched)

    def begin(self, batch: Batch, weights: Array | None = None) -> None:
        """Begin a step on predictions, y as passed by a user, and sample weights."""
        (y_pred,), dtype = batch.x, self._setting.dtype
        y_true = prepared(self._loss, batch.y, self._shape, dtype, self._setting.order)
        x = {"": y_pred.reshape(len(batch.y), -1).astype(dtype)}
        self._harness.begin(x, y_true, None if weights is None else weights.astype(dtype))

    def losses(self, batch: Batch) -> Array:
        """Run forward alone; return a copy of the losses."""
        self.begin(batch)
        return self._harness.step.forward()[1]

    def run(self, batch: Batch) -> dict[str, Array]:
        """Run forward and backward; return copies of losses and dy_pred."""
        losses = self.losses(batch)
        self._harness.step.backward()
        return {"losses": losses, "dy_pred": self._watched.dy_pred}

    def weighted(self, batch: Batch, weights: Array | None = None) -> tuple[float, Array]:
        """Return the mean loss, and its gradient as weighted by the graph."""
        self.begin(batch, weights)
        step = self._harness.step
        step.forward()
        return step.mean_loss(), step.backward()["before.received"]


def _model_before(shape: Shape, setting: Setting) -> Model:
    """Build a model that gives predictions of a shape, in the setting's memory order."""
    samples, features = setting.capacity, (prod(shape),)
    before = probe(setting.input_order, name="before", shape=shape, samples=samples)
    return build([before], features, Registry(), setting.dtype)


def prepared(loss: Loss, y: Array, shape: Shape, dtype: str, order: Order) -> Array:
    """Return y as prepared by a loss, in a memory order."""
    with calling("prepare"):
        y_true = verified(Loss.prepare, loss, y.copy(), shape, np.dtype(dtype))
    return in_order(y_true, order)


Draw = Callable[[np.random.Generator, Shape, Shape], tuple[Array, Array]]
"""Draws predictions and targets of two shapes, including the sample axis."""


def distributions(rng: np.random.Generator, shape: Shape) -> Array:
    """Draw numbers that add up to 1 over the last axis."""
    scores = np.exp(rng.normal(size=shape))
    shares: Array = scores / scores.sum(axis=-1, keepdims=True)
    return shares


def labels(rng: np.random.Generator, shape: Shape, classes: int) -> Array:
    """Draw labels with balanced classes."""
    return rng.permutation(np.arange(prod(shape)) % classes).reshape(shape)


def _positive(rng: np.random.Generator, shape: Shape) -> Array:
    return np.abs(rng.normal(size=shape)) + 0.1


DRAWS: dict[str, dict[str, Draw]] = {
    "values": {
        "normal": lambda rng, shape, y: (rng.normal(size=shape), rng.normal(size=y)),
        "positive": lambda rng, shape, y: (_positive(rng, shape), _positive(rng, y)),
        "counts": lambda rng, shape, y: (_positive(rng, shape), rng.integers(0, 5, y)),
        "signs": lambda rng, shape, y: (rng.normal(size=shape), rng.choice([-1.0, 1.0], y)),
        "shares": lambda rng, shape, y: (rng.uniform(0.1, 0.9, shape), rng.uniform(0.1, 0.9, y)),
        "distributions": lambda rng, shape, y: (distributions(rng, shape), distributions(rng, y)),
        "labels": lambda rng, shape, y: (rng.normal(size=shape), labels(rng, y, shape[-1])),
    },
    "binary": {
        "binary": lambda rng, shape, y: (rng.uniform(0.1, 0.9, shape), rng.integers(0, 2, y)),
    },
    "classes": {
        "classes": lambda rng, shape, y: (distributions(rng, shape), labels(rng, y, shape[-1])),
    },
}
"""What to draw, by the loss's kind of targets; the first that it accepts is used."""

BOUNDED = frozenset({"shares", "distributions"})
"""Draws with predictions below 1."""

NEVER_NEGATIVE = frozenset({"positive", "counts", "shares", "distributions"})
"""Draws with nonnegative predictions."""


@dataclass(frozen=True)
class Pair:
    """The shapes of a prediction and of a sample of y."""

    shape: Shape
    y: Shape

    def __str__(self) -> str:
        target = f" and y of shape {self.y}" if self.y not in (self.shape, ()) else ""
        return f"predictions of shape {self.shape}{target}"


def pairs_of(example_shapes: tuple[Any, ...], y_of: Callable[[Shape], Shape]) -> tuple[Pair, ...]:
    """Return declared shapes as pairs; `y_of` gives the shape of y if it is not declared."""

    def pair(declared: Any) -> Pair:
        is_pair = len(declared) == 2 and all(isinstance(part, tuple) for part in declared)
        return Pair(*declared) if is_pair else Pair(declared, y_of(declared))

    return tuple(map(pair, example_shapes))


def _candidate_pairs(loss: Loss) -> tuple[Pair, ...]:
    """Return the shapes to try: the loss's `example_shapes`, else the kit's usual ones."""
    shapes = loss.example_shapes or USUAL_SHAPES[loss.targets]
    return pairs_of(shapes, lambda shape: () if loss.targets == "classes" else shape)


def working_pairs(subject: Subject) -> tuple[Pair, ...]:
    """Return the shapes to check with; raise CheckSkipped if `prepare` refuses all targets."""
    loss = subject.instance

    def works(pair: Pair) -> bool:
        draw_name = accepted_draw(loss, pair)
        if draw_name is None or loss.example_shapes or len(pair.shape) == 1:
            return draw_name is not None
        plain = WHOLE.but(order="batch_first", input_order="batch_first")
        try:  # few losses reject predictions with several axes
            LossHarness(loss, pair.shape, plain).run(drawn(loss, draw_name, pair, 0))
        except CheckFailed as failure:
            return type(failure) is not CheckFailed or not isinstance(failure.__cause__, ValueError)
        return True

    pairs = subject.once("pairs", lambda: tuple(filter(works, _candidate_pairs(loss))))
    if not pairs:
        raise CheckSkipped("prepare refuses targets for all usual shapes of predictions")
    return pairs


def batch_of(subject: Subject, pair: Pair, seed: int = 0) -> Batch:
    """Draw `SAMPLES` predictions and targets of a kind that the loss accepts."""
    return drawn(subject.instance, _draw_for(subject, pair), pair, seed)


def _draw_for(subject: Subject, pair: Pair) -> str:
    draw_name = subject.once(("draw", pair), lambda: accepted_draw(subject.instance, pair))
    return draw_name or next(iter(DRAWS[subject.instance.targets]))


def accepted_draw(loss: Loss, pair: Pair) -> str | None:
    """Return the first kind of data that `prepare` accepts and that gives finite losses, or None.

    If none gives finite losses, return the first that `prepare` accepts.
    """
    accepted = None
    for draw_name in DRAWS[loss.targets]:
        batch = drawn(loss, draw_name, pair, 0)
        try:
            with suppress(CheckFailed), calling("prepare", skips=ValueError):
                loss.prepare(batch.y, pair.shape, FLOAT)
        except CheckSkipped:
            continue
        accepted = accepted or draw_name
        with suppress(CheckFailed):
            losses = LossHarness(loss, pair.shape, WHOLE.but(poison=0.0)).losses(batch)
            if np.isfinite(losses).all():
                return draw_name
    return accepted


def drawn(loss: Loss, draw_name: str, pair: Pair, seed: int, samples: int = SAMPLES) -> Batch:
    """Draw predictions and targets of one kind."""
    draw, rng = DRAWS[loss.targets][draw_name], np.random.default_rng([seed, 5])
    y_pred, y = draw(rng, (samples, *pair.shape), (samples, *pair.y))
    return Batch((y_pred,), y)


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Run forward and backward with each shape of prediction."""
    trial = Trial()
    for pair in working_pairs(subject):
        harness = LossHarness(subject.instance, pair.shape, setting)
        batch = batch_for(partial(batch_of, subject, pair), setting)
        if setting.values and _draw_for(subject, pair) in NEVER_NEGATIVE:
            batch = batch.with_x(np.abs(batch.x[0]))
        if setting.after:
            harness.run(batch.repeated(setting.after))
        filled = harness.run(batch)
        trial.outputs |= {f"{name} for {pair}": array for name, array in filled.items()}
    return trial


def step_calls(subject: Subject) -> dict[str, native.Calls]:
    """Return the calls of a loss in a training step, with what the graph adds to its gradient."""
    pair = working_pairs(subject)[0]
    batch, setting, loss = batch_of(subject, pair), WHOLE, subject.instance
    step = TrainingStep(_model_before(pair.shape, setting), loss, SAMPLES)
    y_true = prepared(loss, batch.y, pair.shape, setting.dtype, setting.order)
    step.begin({"": batch.x[0].reshape(SAMPLES, -1)}, y_true)
    with calling("the loss"):
        step.forward()
        step.backward()
    return {"": native.calls_of(loss, step.calls)}


@check
def takes_usual_predictions(subject: Subject) -> None:
    """Takes its kind of targets for at least one usual shape, and for all its example shapes."""
    loss, candidates = subject.instance, _candidate_pairs(subject.instance)
    try:
        refused = set(candidates) - set(working_pairs(subject) if loss.example_shapes else ())
        if loss.example_shapes and refused:
            raise CheckFailed(f"prepare refuses its example_shapes: {', '.join(map(str, refused))}")
        working_pairs(subject)
    except CheckSkipped as reason:
        shapes = ", ".join(map(str, candidates))
        raise CheckFailed(f"{reason} ({shapes}), with targets of {loss.targets}") from None


@check
def prepares_what_it_declares(subject: Subject) -> None:
    """Prepares a data set's y without changing it, one target a sample."""
    loss = subject.instance
    for pair in working_pairs(subject):
        y = batch_of(subject, pair).y
        copy = y.copy()
        with calling("prepare"):
            verified(Loss.prepare, loss, copy, pair.shape, FLOAT)
        if not same(copy, y):
            raise CheckFailed("prepare writes to y, which metrics read later; copy it first")


@check
def takes_each_form_of_targets(subject: Subject) -> None:
    """Gives the same for labels as for one-hot rows, and for y (n,) as for y (n, 1)."""
    compared = 0
    for pair in working_pairs(subject):
        batch, harness = batch_of(subject, pair), LossHarness(subject.instance, pair.shape, WHOLE)
        other = None
        if subject.instance.targets == "classes" and pair.y == ():
            other = np.eye(subject.instance.class_count(pair.shape[-1]))[batch.y]
        elif pair.shape == pair.y == (1,):
            other = batch.y.reshape(-1)
        if other is None:
            continue
        compared += 1
        first, second = harness.run(batch), harness.run(Batch(batch.x, other))
        for name, array in second.items():
            fault = f"{name} for y of shape {other.shape} differs from that for the same targets"
            where, advice = f"of shape {batch.y.shape}", "let prepare bring both to one form"
            require_equal(array, first[name], f"{fault} {where}", advice)
    if not compared:
        raise CheckSkipped("its targets have one form only")


@check
def refuses_wrong_targets(subject: Subject) -> None:
    """Refuses with a ValueError targets that do not fit, before any step is taken."""
    for pair in working_pairs(subject):
        y, shape = batch_of(subject, pair).y, pair.shape
        if subject.instance.targets == "classes":
            count = subject.instance.class_count(shape[-1])
            y[0], what = count, f"the label {count} of {count} classes"
        elif subject.instance.targets == "binary":
            y[0], what = 2, "a binary target of 2"
        else:
            y, what = np.zeros((len(y), *pair.y, 2)), f"y of shape {(*pair.y, 2)} a sample"
        try:
            with calling(f"prepare of {what}; raise a ValueError that says why: it", ValueError):
                subject.instance.prepare(y, shape, FLOAT)
        except CheckSkipped:
            continue
        raise CheckFailed(f"prepare takes {what} for predictions of shape {shape}; refuse it")


@check
def gradient_of_predictions(subject: Subject) -> None:
    """Fills `dy_pred` with the gradient of each sample's loss, not divided by n."""
    for pair in working_pairs(subject):
        draw_name, samples = _draw_for(subject, pair), len(SCALES)
        batch = drawn(subject.instance, draw_name, pair, 0, samples)
        harness = LossHarness(subject.instance, pair.shape, WHOLE.but(samples=samples))
        is_bounded = draw_name in BOUNDED or subject.instance.targets != "values"
        sizes = np.ones(samples) if is_bounded else SCALES
        sizes = sizes.reshape(-1, *[1] * len(pair.shape))
        y_pred = batch.x[0] * sizes
        direction = sizes * np.random.default_rng(99).normal(size=y_pred.shape)
        gradient = harness.run(batch.with_x(y_pred))["dy_pred"]
        function = partial(_losses, harness, batch)
        require_gradient(function, y_pred, gradient, direction, f"dy_pred for {pair}")


@check
def weighs_as_repetition(subject: Subject) -> None:
    """Gives for weighted samples the mean and the gradients that repeating them would give."""
    for pair in working_pairs(subject):
        batch, many = batch_of(subject, pair), USUAL.but(samples=int(REPEATS.sum()))
        repeated = batch.take(np.repeat(np.arange(SAMPLES), REPEATS))
        mean, gradient = LossHarness(subject.instance, pair.shape, WHOLE).weighted(batch, REPEATS)
        repeated_mean, parts = LossHarness(subject.instance, pair.shape, many).weighted(repeated)
        summed = np.add.reduceat(parts, np.cumsum(REPEATS) - REPEATS, axis=0)
        fault = "weighted samples do not give what repeated ones give"
        require_equal(np.array([mean]), np.array([repeated_mean]), fault)
        require_equal(gradient, summed, fault)


@check
def takes_perfect_predictions(subject: Subject) -> None:
    """Gives finite losses and gradients for perfect predictions, targets of 0, and one class."""
    for pair in working_pairs(subject):
        harness = LossHarness(subject.instance, pair.shape, WHOLE)
        for what, batch in _special(subject, pair):
            try:
                with calling("prepare", skips=ValueError):
                    subject.instance.prepare(batch.y, pair.shape, FLOAT)
            except CheckSkipped:
                continue
            for name, array in harness.run(batch).items():
                if not np.isfinite(array).all():
                    raise CheckFailed(f"{name} is not finite for {what}; add a small number")


@check
def gives_predictions(subject: Subject) -> None:
    """Turns the model's output into predictions, a row each: probabilities, if it takes logits."""
    loss = subject.instance
    for pair in working_pairs(subject):
        (y_pred,) = batch_of(subject, pair).x
        if loss.takes == "logits":
            y_pred = 20 * np.random.default_rng(43).normal(size=y_pred.shape)
        call = partial(verified, Loss.predictions, loss, y_pred)
        predictions = call_locked("predictions", call, {"y_pred": y_pred})
        if loss.takes == "logits" and not ((predictions >= 0) & (predictions <= 1)).all():
            raise CheckFailed(
                f"predictions range from {predictions.min():.9g} to {predictions.max():.9g} for "
                f"{pair}; a loss that takes logits returns probabilities"
            )
        one = loss.takes == "logits" and loss.targets == "classes"
        if one and not np.allclose(predictions.sum(axis=-1), 1, atol=1e-6):
            raise CheckFailed(f"predictions do not add up to 1 over the classes for {pair}")


def example_data(subject: Subject) -> Iterator[ExampleData]:
    """Yield predictions of each shape that the loss takes."""
    for pair in working_pairs(subject):
        yield ExampleData(str(pair), batch_of(subject, pair).x)


CHECKS = (
    takes_usual_predictions,
    prepares_what_it_declares,
    leaves_inputs_alone,
    takes_each_form_of_targets,
    refuses_wrong_targets,
    *USED_ONCE,
    *FILLS_ARRAYS,
    gradient_of_predictions,
    weighs_as_repetition,
    takes_perfect_predictions,
    gives_predictions,
    *native.CHECKS,
)


def _losses(harness: LossHarness, batch: Batch, y_pred: Array) -> tuple[Array, Array]:
    losses = harness.losses(batch.with_x(y_pred))
    return losses, np.abs(losses)


def _special(subject: Subject, pair: Pair) -> Iterator[tuple[str, Batch]]:
    """Yield predictions and targets at which losses divide by 0."""
    batch, targets = batch_of(subject, pair), subject.instance.targets
    zeros = replace(batch, y=np.zeros_like(batch.y))
    yield "targets of 0" if targets == "values" else "a single class", zeros
    yield "predictions and targets of 0", zeros.with_x(np.zeros_like(batch.x[0]))
    perfect: Array = batch.y.astype(float)
    if targets == "classes":
        perfect = np.eye(subject.instance.class_count(pair.shape[-1]))[batch.y]
    elif perfect.ndim <= len(pair.shape):
        perfect = perfect.reshape(*perfect.shape, *[1] * (len(pair.shape) + 1 - perfect.ndim))
    with suppress(ValueError):  # where predictions have another form
        best = np.broadcast_to(perfect, batch.x[0].shape).copy()
        yield "perfect predictions", batch.with_x(best)
        if targets != "values":
            yield "predictions that are all wrong", batch.with_x(1 - best)
