"""One loss with its arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from declnet.components.arrays import Array, Shape
from declnet.components.loss import Loss
from declnet.testing.failures import calling
from declnet.testing.settings import USUAL, Block, Setting, copied


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
            self.y_true = block.holding(prepared)
        self.y_pred = self._y_pred.holding(data.y_pred)
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
