"""One loss in a graph, with predictions and targets that it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np

from declnet.components.arrays import Array, Dtype, Shape
from declnet.components.loss import Loss
from declnet.components.returned import checked_targets
from declnet.graph.blocks import batch_view
from declnet.graph.orders import Order
from declnet.registry.registry import Registry
from declnet.testing.check import CheckFailed, CheckSkipped, Subject, calling
from declnet.testing.harness import GraphHarness, WatchedLoss, infer, sources
from declnet.testing.trial import SAMPLES, USUAL, WHOLE, Batch, Setting, Trial, batch_for

USUAL_SHAPES: dict[str, tuple[Shape, ...]] = {
    "values": ((1,), (3,), (2, 3)),
    "binary": ((1,), (3,), (2, 3)),
    "classes": ((3,), (5,)),
}
"""Shapes of a prediction, by what a loss takes as targets."""


class LossHarness:
    """A loss after a source of predictions, for one shape of prediction and setting."""

    def __init__(self, loss: Loss, shape: Shape, setting: Setting = USUAL) -> None:
        self._loss, self._shape, self._setting = loss, shape, setting
        self._watched = WatchedLoss(loss, setting.poison)
        features = (prod(shape),)
        nodes = infer(
            sources((shape,), setting.capacity, setting.input_order), features, Registry()
        )
        self._graph = GraphHarness(nodes, features, setting, self._watched)

    def place(self, batch: Batch, weights: Array | None = None) -> None:
        """Begin a step on predictions, y as a user gives it, and weights of the samples."""
        (y_pred,), n, dtype = batch.x, len(batch.y), np.dtype(self._setting.dtype)
        y_true = prepared(self._loss, batch.y, self._shape, dtype, self._setting.order)
        given = None if weights is None else weights.astype(dtype)
        self._graph.place(y_pred.reshape(n, -1).astype(dtype), y_true, given)

    def losses(self, batch: Batch) -> Array:
        """Run forward alone; return a copy of the losses."""
        self.place(batch)
        return self._graph.forward()[1]

    def run(self, batch: Batch) -> dict[str, Array]:
        """Run forward and backward; return copies of losses and dy_pred."""
        losses = self.losses(batch)
        self._graph.backward()
        return {"losses": losses, "dy_pred": self._watched.dy_pred}

    def weighted(self, batch: Batch, weights: Array | None = None) -> tuple[float, Array]:
        """Return the mean loss, and its gradient as the graph weighs it."""
        self.place(batch, weights)
        return self._graph.step(), self._graph.gradients()["source_0.received"]


def prepared(loss: Loss, y: Array, shape: Shape, dtype: Dtype, order: Order) -> Array:
    """Return y as a loss prepares it, in some memory order."""
    with calling("prepare"):
        given = checked_targets(loss, loss.prepare(y.copy(), shape, dtype), len(y))
    y_true = batch_view(np.empty(given.size, given.dtype), given.shape[1:], len(y), order)
    np.copyto(y_true, given)
    return y_true


_Draw = Callable[[np.random.Generator, Shape, Shape], tuple[Array, Array]]
"""Draws predictions and targets of two shapes, the sample axis included."""


def _positive(rng: np.random.Generator, shape: Shape) -> Array:
    return np.abs(rng.normal(size=shape)) + 0.1


def distributions(rng: np.random.Generator, shape: Shape) -> Array:
    """Draw numbers that add up to 1 over the last axis."""
    scores = np.exp(rng.normal(size=shape))
    found: Array = scores / scores.sum(axis=-1, keepdims=True)
    return found


def labels(rng: np.random.Generator, shape: Shape, classes: int) -> Array:
    """Draw labels, every class as often as the others."""
    return rng.permutation(np.arange(prod(shape)) % classes).reshape(shape)


DRAWS: dict[str, dict[str, _Draw]] = {
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
"""What to draw by what the loss takes as targets; the first that it takes is used."""

NEVER_NEGATIVE = frozenset({"positive", "counts", "shares", "distributions"})
"""Draws whose predictions are not negative."""


@dataclass(frozen=True)
class Pair:
    """The shape of a prediction and that of a sample of y."""

    shape: Shape
    y: Shape

    def __str__(self) -> str:
        own = f" and y of shape {self.y}" if self.y not in (self.shape, ()) else ""
        return f"predictions of shape {self.shape}{own}"


def pairs_of(example_shapes: tuple[Any, ...], y_of: Callable[[Shape], Shape]) -> tuple[Pair, ...]:
    """Return the shapes that a loss or metric declares.

    Args:
        example_shapes: shapes of a prediction, or pairs of such a shape and that of a sample of y.
        y_of: the usual shape of a sample of y, by that of a prediction.
    """

    def pair(each: Any) -> Pair:
        is_pair = len(each) == 2 and all(isinstance(part, tuple) for part in each)
        return Pair(*each) if is_pair else Pair(each, y_of(each))

    return tuple(map(pair, example_shapes))


def candidate_pairs(loss: Loss) -> tuple[Pair, ...]:
    """Return the shapes to try: the loss's `example_shapes`, else the kit's usual ones."""
    shapes = loss.example_shapes or USUAL_SHAPES[loss.targets]
    return pairs_of(shapes, lambda shape: () if loss.targets == "classes" else shape)


def working_pairs(subject: Subject) -> tuple[Pair, ...]:
    """Return the shapes to check with; raise CheckSkipped if `prepare` refuses all targets."""
    pairs = subject.once("pairs", lambda: tuple(_working_pairs(subject.instance)))
    if not pairs:
        raise CheckSkipped("prepare refuses targets for all usual shapes of predictions")
    return pairs


def batch_of(subject: Subject, pair: Pair, seed: int = 0) -> Batch:
    """Draw predictions and targets, `SAMPLES` of them, of a sort that the loss takes."""
    return drawn(subject.instance, sort_for(subject, pair), pair, seed)


def sort_for(subject: Subject, pair: Pair) -> str:
    """Return which of `DRAWS` the loss takes for some shapes."""
    found = subject.once(("sort", pair), lambda: sort_of(subject.instance, pair))
    return found or next(iter(DRAWS[subject.instance.targets]))


def sort_of(loss: Loss, pair: Pair) -> str | None:
    """Return the first sort of data that `prepare` takes and that gives finite losses, or None.

    If none gives finite losses, it is the first that `prepare` takes.
    """
    taken = [sort for sort in DRAWS[loss.targets] if _prepares(loss, sort, pair)]
    finite = (sort for sort in taken if _is_finite(loss, sort, pair))
    return next(finite, taken[0] if taken else None)


def drawn(loss: Loss, sort: str, pair: Pair, seed: int, samples: int = SAMPLES) -> Batch:
    """Draw predictions and targets of a sort."""
    draw, rng = DRAWS[loss.targets][sort], np.random.default_rng([seed, 5])
    y_pred, y = draw(rng, (samples, *pair.shape), (samples, *pair.y))
    return Batch((y_pred,), y)


def _working_pairs(loss: Loss) -> Iterator[Pair]:
    for pair in candidate_pairs(loss):
        sort = sort_of(loss, pair)
        known = loss.example_shapes or len(pair.shape) == 1
        if sort is not None and (known or _takes_axes(loss, sort, pair)):
            yield pair


def _prepares(loss: Loss, sort: str, pair: Pair) -> bool:
    try:
        loss.prepare(drawn(loss, sort, pair, 0).y, pair.shape, np.dtype("float64"))
    except ValueError:
        return False
    except Exception:  # the checks meet it again, and say so
        return True
    return True


def _is_finite(loss: Loss, sort: str, pair: Pair) -> bool:
    harness = LossHarness(loss, pair.shape, WHOLE.but(poison=0.0))
    try:
        return bool(np.isfinite(harness.losses(drawn(loss, sort, pair, 0))).all())
    except CheckFailed:
        return False


def _takes_axes(loss: Loss, sort: str, pair: Pair) -> bool:
    """Whether it takes predictions of more than one axis, which few losses think of refusing."""
    plain = WHOLE.but(order="batch_first", input_order="batch_first")
    try:
        LossHarness(loss, pair.shape, plain).run(drawn(loss, sort, pair, 0))
    except CheckFailed as failure:
        return type(failure) is not CheckFailed or not isinstance(failure.__cause__, ValueError)
    return True


def try_loss(subject: Subject, setting: Setting) -> Trial:
    """Run forward and backward with each shape of prediction."""
    trial = Trial()
    for pair in working_pairs(subject):
        harness = LossHarness(subject.instance, pair.shape, setting)
        batch = batch_for(partial(batch_of, subject, pair), setting)
        if setting.after:
            harness.run(batch.repeated(setting.after))
        filled = harness.run(batch)
        trial.outputs |= {f"{name} for {pair}": array for name, array in filled.items()}
    return trial
