"""One loss with its arrays, and predictions and targets that fit what it declares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from declnet.components.arrays import Array, Shape
from declnet.components.loss import Loss
from declnet.testing.failures import CheckFailed, CheckSkipped, calling
from declnet.testing.settings import USUAL, Block, Setting, copied
from declnet.testing.subjects import Subject
from declnet.testing.trial import Trial

SAMPLES = 10

USUAL_SHAPES: dict[str, tuple[Shape, ...]] = {
    "values": ((1,), (3,), (2, 3)),
    "binary": ((1,), (3,), (2, 3)),
    "classes": ((3,), (5,)),
}
"""Shapes of a prediction, by what the loss takes as targets."""


@dataclass(frozen=True)
class LossData:
    """Predictions, float64, and y as a user gives it."""

    y_pred: Array
    y: Array

    def first(self, n: int) -> LossData:
        """The first n samples."""
        return LossData(self.y_pred[:n], self.y[:n])

    def but(self, y_pred: Array) -> LossData:
        """The same targets with other predictions."""
        return LossData(y_pred, self.y)


class LossBench:
    """A loss's arrays for one shape of prediction and setting."""

    def __init__(self, loss: Loss, shape: Shape, setting: Setting = USUAL) -> None:
        self.loss, self.setting, self.shape = loss, setting, shape
        self._y_pred = Block(shape, setting, setting.input_order)
        self._dy_pred = Block(shape, setting)
        self._losses = Block((), setting)

    def place(self, data: LossData) -> None:
        """Fills y_pred and y_true, and poisons losses and dy_pred."""
        n, dtype = len(data.y), np.dtype(self.setting.dtype)
        with calling("prepare"):
            prepared = self.loss.prepare(data.y.copy(), self.shape, dtype)
        block = Block(prepared.shape[1:], self.setting, dtype=prepared.dtype)
        self.y_pred, self.y_true = self._y_pred.holding(data.y_pred), block.holding(prepared)
        self.losses, self.dy_pred = self._losses.poisoned(n), self._dy_pred.poisoned(n)

    def forward(self) -> Array:
        """Runs forward; returns a copy of the losses."""
        with calling("forward"):
            self.loss.forward(self.y_pred, self.y_true, self.losses)
        return copied(self.losses)

    def backward(self) -> Array:
        """Runs backward; returns a copy of dy_pred."""
        with calling("backward"):
            self.loss.backward(self.y_pred, self.y_true, self.dy_pred)
        return copied(self.dy_pred)

    def run(self, data: LossData) -> tuple[Array, Array]:
        """Places the data and runs forward and backward; returns losses and dy_pred."""
        self.place(data)
        return self.forward(), self.backward()

    def read_only(self) -> dict[str, Array]:
        """The arrays that the loss may not write to, by name."""
        return {"y_pred": self.y_pred, "y_true": self.y_true}


def shapes_of(subject: Subject) -> tuple[Shape, ...]:
    """The shapes of predictions to check with.

    Raises:
        CheckSkipped: `prepare` refuses all of the kit's usual ones.
    """
    shapes = subject.once("shapes", lambda: tuple(_accepted(subject)))
    if not shapes:
        raise CheckSkipped("prepare refuses all usual shapes of predictions")
    return shapes


def _accepted(subject: Subject) -> Iterator[Shape]:
    loss: Loss = subject.instance
    for shape in USUAL_SHAPES[loss.targets]:
        data = drawn(loss, shape, 0, positive=False)
        try:
            loss.prepare(data.y.copy(), shape, np.dtype("float64"))
        except ValueError:
            continue
        except Exception:
            yield shape
            continue
        if len(shape) == 1 or _takes_axes(loss, shape, data):
            yield shape


def _takes_axes(loss: Loss, shape: Shape, data: LossData) -> bool:
    """Whether it takes predictions of more than one axis, which few losses think of refusing."""
    plain = USUAL.but(capacity=SAMPLES, order="sample_major", input_order="sample_major")
    try:
        LossBench(loss, shape, plain).run(data)
    except CheckFailed as failure:
        return not isinstance(failure.__cause__, ValueError)
    return True


def data_for(subject: Subject, shape: Shape, seed: int = 0) -> LossData:
    """Random predictions and targets, `SAMPLES` of them.

    Values are normal, or positive if the loss gives no finite result for those (a logarithm, say);
    binary predictions lie between 0.1 and 0.9; those of classes are rows of probabilities.
    """
    positive = needs_positive(subject, shape)
    return drawn(subject.instance, shape, seed, positive=positive)


def needs_positive(subject: Subject, shape: Shape) -> bool:
    """Whether the losses of normal draws are not finite."""

    def find() -> bool:
        loss: Loss = subject.instance
        if loss.targets != "values":
            return False
        bench = LossBench(loss, shape, USUAL.but(capacity=SAMPLES, poison=0.0))
        try:
            bench.place(drawn(loss, shape, 0, positive=False))
            return not np.isfinite(bench.forward()).all()
        except CheckFailed:
            return False

    return subject.once(f"needs positive {shape}", find)


def drawn(loss: Loss, shape: Shape, seed: int, *, positive: bool) -> LossData:
    """Random predictions and targets by what the loss declares."""
    rng = np.random.default_rng([seed, 5])
    whole = (SAMPLES, *shape)
    if loss.targets == "classes":
        scores = np.exp(rng.normal(size=whole))
        return LossData(scores / scores.sum(axis=1, keepdims=True), labels(rng, shape))
    if loss.targets == "binary":
        return LossData(rng.uniform(0.1, 0.9, whole), rng.integers(0, 2, whole))
    y_pred, y = rng.normal(size=whole), rng.normal(size=whole)
    return LossData(np.abs(y_pred) + 0.1, np.abs(y) + 0.1) if positive else LossData(y_pred, y)


def labels(rng: np.random.Generator, shape: Shape) -> Array:
    """Random class labels, each class at least once."""
    classes = shape[0]
    return rng.permutation(np.arange(SAMPLES) % classes)


def try_loss(subject: Subject, setting: Setting) -> Trial:
    """Runs forward and backward with each shape of prediction."""
    trial = Trial()
    for shape in shapes_of(subject):
        suffix = f" for predictions of shape {shape}"
        bench = LossBench(subject.instance, shape, setting)
        data = data_for(subject, shape)
        if setting.capacity > setting.samples:
            bench.run(data.first(setting.capacity))
        bench.place(data.first(setting.samples))
        note = trial.watch(bench.read_only(), suffix)
        trial.outputs["losses" + suffix] = bench.forward()
        trial.outputs["dy_pred" + suffix] = bench.backward()
        note()
    return trial
