"""Checks on losses: targets, gradients, independent samples, finite numbers.

A loss is tried after a probe that gives predictions, with shapes and targets that it accepts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import Any

import numpy as np

from declnet import Array, Loss, Registry, Shape, verified
from declnet.testing import checking, trial
from declnet.testing.catalogue import ExampleData
from declnet.testing.checking import CheckFailed, Subject, calling, check, checks_in, require
from declnet.testing.checks import common, native
from declnet.testing.comparison import require_equal
from declnet.testing.examples import variants
from declnet.testing.gradients import in_rows, require_gradient_along
from declnet.testing.harness import ModelHarness, build, is_refusal, probe
from declnet.testing.trial import SAMPLES, USUAL, WHOLE, Batch, Setting, Trial, batch_for, in_order
from declnet.testing.watched import WatchedLoss, call_locked

USUAL_SHAPES: dict[str, tuple[Shape, ...]] = {
    "values": ((1,), (3,), (2, 3)),
    "binary": ((1,), (3,), (2, 3)),
    "classes": ((3,), (5,)),
}
"""Shapes of a prediction, by the loss's kind of targets."""

FLOAT, FLOATS = np.dtype("float64"), (np.dtype("float64"), np.dtype("float32"))


class LossHarness:
    """A loss after a probe that gives predictions, for one prediction shape and setting."""

    def __init__(self, loss: Loss, shape: Shape, setting: Setting = USUAL) -> None:
        self._loss, self._shape, self._setting = loss, shape, setting
        self._watched = WatchedLoss(loss, spoiled=setting.spoiled)
        before = probe(setting.input_order, name="before", shape=shape, samples=setting.capacity)
        model = build([before], (prod(shape),), Registry(), setting.dtype)
        self._harness = ModelHarness(model, setting, self._watched)

    def run(self, batch: Batch) -> dict[str, Array]:
        """Run forward and backward on predictions and y as passed by a user; return copies."""
        self._harness.begin(*self._arrays(batch))
        _, losses = self._harness.step.forward()
        self._harness.step.backward()
        return {"losses": losses, "dy_pred": self._watched.dy_pred}

    def unwatched(self, batch: Batch) -> tuple[Loss, native.Calls]:
        """Return the loss and the calls of a step on a batch, without a watch on the loss."""
        harness = ModelHarness(self._harness.model, self._setting, self._loss)
        return self._loss, harness.calls(*self._arrays(batch))

    def _arrays(self, batch: Batch) -> tuple[dict[str, Array], Array]:
        (y_pred,), dtype = batch.x, self._setting.dtype
        x = {"": y_pred.reshape(len(batch.y), -1).astype(dtype)}
        return x, prepared(self._loss, batch.y, self._shape, dtype, self._setting.order)


def prepared(loss: Loss, y: Array, shape: Shape, dtype: str, order: trial.Order) -> Array:
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


def working_pairs(subject: Subject) -> Mapping[Pair, str]:
    """Return the shapes to check with, and what to draw.

    These are the loss's `example_shapes`, all of which it must take, else usual ones.
    """

    def find() -> dict[Pair, str]:
        loss = subject.instance
        shapes = loss.example_shapes or USUAL_SHAPES[loss.targets]
        pairs = pairs_of(shapes, lambda shape: () if loss.targets == "classes" else shape)
        draws = {pair: draw for pair in pairs if (draw := accepted_draw(loss, pair)) is not None}
        if not draws or (loss.example_shapes and len(draws) < len(pairs)):
            refused = ", ".join(str(pair) for pair in pairs if pair not in draws)
            message = f"prepare refuses targets of {loss.targets} for {refused}"
            raise CheckFailed(message, message)
        return draws

    return subject.once("pairs", find)


def batch_of(subject: Subject, pair: Pair, seed: int = 0, samples: int = SAMPLES) -> Batch:
    """Draw predictions and targets of a kind that the loss accepts."""
    return drawn(subject.instance, working_pairs(subject)[pair], pair, seed, samples)


def accepted_draw(loss: Loss, pair: Pair) -> str | None:
    """Return the first kind of data that `prepare` accepts and that gives finite losses, or None.

    If none gives finite losses, return the first that `prepare` accepts. A loss may reject usual
    predictions of several axes in a step.
    """
    accepted = None
    for draw_name in DRAWS[loss.targets]:
        batch = drawn(loss, draw_name, pair, 0)
        with suppress(CheckFailed):
            if _refuses(loss, batch.y, pair):
                continue
        accepted = accepted or draw_name
        try:
            if np.isfinite(LossHarness(loss, pair.shape, trial.PLAIN).run(batch)["losses"]).all():
                return draw_name
        except CheckFailed as failure:
            if is_refusal(failure) and len(pair.shape) > 1 and not loss.example_shapes:
                return None
    return accepted


def _refuses(loss: Loss, y: Array, pair: Pair, what: str = "prepare") -> bool:
    """Return whether `prepare` refuses targets by a ValueError."""
    try:
        with calling(what, skips=ValueError):
            loss.prepare(y.copy(), pair.shape, FLOAT)
    except checking.CheckSkipped:
        return True
    return False


def drawn(loss: Loss, draw_name: str, pair: Pair, seed: int, samples: int = SAMPLES) -> Batch:
    """Draw predictions and targets of one kind."""
    draw, rng = DRAWS[loss.targets][draw_name], np.random.default_rng([seed, 5])
    y_pred, y = draw(rng, (samples, *pair.shape), (samples, *pair.y))
    return Batch((y_pred,), y)


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Run forward and backward with each shape of prediction."""
    results = Trial()
    for pair, draw_name in working_pairs(subject).items():
        harness = LossHarness(subject.instance, pair.shape, setting)
        batch = batch_for(partial(batch_of, subject, pair), setting)
        if setting.values and draw_name in NEVER_NEGATIVE:
            batch = batch.with_x(np.abs(batch.x[0]))
        if setting.after:
            harness.run(batch.repeated(setting.after))
        filled = harness.run(batch)
        results.outputs |= {f"{name} for {pair}": array for name, array in filled.items()}
    return results


def step_calls(subject: Subject) -> dict[str, native.Calls]:
    """Return the calls of a loss in a training step, with what the graph adds to its gradient."""
    pair = next(iter(working_pairs(subject)))
    harness = LossHarness(subject.instance, pair.shape, WHOLE)
    return {"": native.calls_of(*harness.unwatched(batch_of(subject, pair)))}


@check
def prepares_what_it_declares(subject: Subject) -> None:
    """Prepares a data set's y without changing it: a target a sample, floats in the given type."""
    loss = subject.instance
    for pair in working_pairs(subject):
        y = batch_of(subject, pair).y
        for dtype in FLOATS:
            call = partial(verified, Loss.prepare, loss, y, pair.shape, dtype)
            y_true = call_locked("prepare", call, {"y": y})
            fault = f"prepare gives targets of {y_true.dtype} where dtype is {dtype}"
            is_right = y_true.dtype.kind != "f" or y_true.dtype == dtype
            require(is_right, f"{fault}, so that the loss computes in {y_true.dtype}, too")


@check
def takes_each_form_of_targets(subject: Subject) -> None:
    """Gives the same for labels as for one-hot rows, and for y (n,) as for y (n, 1)."""
    compared = 0
    for pair in working_pairs(subject):
        batch, harness = batch_of(subject, pair), LossHarness(subject.instance, pair.shape, WHOLE)
        if subject.instance.targets == "classes" and pair.y == ():
            other = np.eye(subject.instance.class_count(pair.shape[-1]))[batch.y]
        elif pair.shape == pair.y == (1,):
            other = batch.y.reshape(-1)
        else:
            continue
        compared += 1
        first, second = harness.run(batch), harness.run(Batch(batch.x, other))
        for name, array in second.items():
            fault = f"{name} for y of shape {other.shape} differs from that for the same targets"
            where, advice = f"of shape {batch.y.shape}", "let prepare bring both to one form"
            require_equal(array, first[name], f"{fault} {where}", advice)
    checking.skip_unless(compared, "its targets have one form only")


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
        call = f"prepare of {what}; raise a ValueError that says why: it"
        fault = f"prepare takes {what} for predictions of shape {shape}; refuse it"
        require(_refuses(subject.instance, y, pair, call), fault)


@check
def gradient_of_predictions(subject: Subject) -> None:
    """Fills `dy_pred` with the gradient of each sample's loss, also with other fields."""
    samples = len(trial.SCALES)
    for note, variant in variants(subject):
        for pair, draw_name in working_pairs(variant).items():
            batch, other = (batch_of(variant, pair, seed, samples) for seed in (0, 1))
            harness = LossHarness(variant.instance, pair.shape, WHOLE.but(samples=samples))
            is_bounded = draw_name in BOUNDED or variant.instance.targets != "values"
            sizes = np.ones(samples) if is_bounded else trial.SCALES
            y_pred = in_rows(sizes, batch.x[0])
            end = None if note else in_rows(sizes, other.x[0])
            direction = in_rows(sizes, np.random.default_rng(99).normal(size=y_pred.shape))
            what = f"dy_pred for {pair}{note}"
            require_gradient_along(partial(_evaluate, harness, batch), y_pred, end, direction, what)


@check
def takes_perfect_predictions(subject: Subject) -> None:
    """Gives finite losses and gradients for perfect predictions, targets of 0, and one class."""
    for pair in working_pairs(subject):
        harness = LossHarness(subject.instance, pair.shape, WHOLE)
        for what, batch in _special(subject, pair):
            results = {} if _refuses(subject.instance, batch.y, pair) else harness.run(batch)
            for name, array in results.items():
                fault = f"{name} is not finite for {what}; add a small number"
                require(np.isfinite(array).all(), fault)


@check
def gives_predictions(subject: Subject) -> None:
    """Turns each sample's output into predictions: probabilities, if it takes logits."""
    loss = subject.instance
    for pair in working_pairs(subject):
        (y_pred,) = batch_of(subject, pair).x
        if loss.takes == "logits":
            y_pred = 20 * np.random.default_rng(43).normal(size=y_pred.shape)
        predictions, few = (
            call_locked("predictions", partial(verified, Loss.predictions, loss, y), {"y_pred": y})
            for y in (y_pred, y_pred[:4])
        )
        require_equal(few, predictions[:4], f"predictions of a sample depend on others for {pair}")
        fault, low, high = "", float(predictions.min()), float(predictions.max())
        if low < 0 or high > 1:
            fault = f"range from {low:.9g} to {high:.9g}"
        elif loss.targets == "classes" and not np.allclose(predictions.sum(-1), 1, atol=1e-6):
            fault = "do not add up to 1 over the classes"
        fault = fault and f"predictions {fault} for {pair}; give probabilities, for logits"
        require(not fault or loss.takes != "logits", fault)


def example_data(subject: Subject) -> Iterator[ExampleData]:
    """Yield predictions of each shape that the loss takes."""
    for pair in working_pairs(subject):
        yield ExampleData(str(pair), batch_of(subject, pair).x)


CHECKS = (
    common.leaves_inputs_alone,
    *common.USED_ONCE,
    *checks_in(globals()),
    *common.FILLS_ARRAYS,
    *native.CHECKS,
)


def _evaluate(harness: LossHarness, batch: Batch, y_pred: Array) -> tuple[Array, Array, Any]:
    losses, gradient = harness.run(batch.with_x(y_pred)).values()
    return losses, np.abs(losses), lambda: gradient


def _special(subject: Subject, pair: Pair) -> Iterator[tuple[str, Batch]]:
    """Yield predictions and targets at which losses divide by 0."""
    batch, targets = batch_of(subject, pair), subject.instance.targets
    zeros = replace(batch, y=np.zeros_like(batch.y))
    yield "targets of 0" if targets == "values" else "a single class", zeros
    yield "predictions and targets of 0", zeros.with_x(np.zeros_like(batch.x[0]))
    perfect: Array = batch.y.astype(float)
    if targets == "classes":
        perfect = np.eye(subject.instance.class_count(pair.shape[-1]))[batch.y]
    missing = len(pair.shape) + 1 - perfect.ndim
    with suppress(ValueError):  # where predictions have another form
        spread = perfect.reshape(*perfect.shape, *[1] * missing)
        best = np.broadcast_to(spread, batch.x[0].shape).copy()
        yield "perfect predictions", batch.with_x(best)
        if targets != "values":
            yield "predictions that are all wrong", batch.with_x(1 - best)
