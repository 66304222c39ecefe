"""Operations: computations of the core between a step's components.

They are ordinary calls, so a loop in Python just makes them; an engine recognizes their classes and
may compute the same from their arrays.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.network.optimizer import Optimizer
from declnet.contracts.network.parameter import OptimizerState


@dataclass(frozen=True, eq=False)
class Gather:
    """The copy of samples by position into the memory of a batch; called with the positions.

    Attributes:
        source: all samples, contiguous.
        target: the batch, contiguous, with `len(positions)` samples.
        axis: the axis of the samples in both, the first (0) or the last (-1).
    """

    source: Array
    target: Array
    axis: int

    def __call__(self, positions: Array) -> None:
        """Gather the samples at these positions, int64 (n,)."""
        self.source.take(positions, self.axis, self.target, "clip")


@dataclass(frozen=True, eq=False)
class NormalizeWeights:
    """Division of weights by their sum: normalized = weights / sum(weights); 0 if that is 0."""

    weights: Array
    normalized: Array

    def __call__(self) -> None:
        """Fill `normalized`."""
        total = np.add.reduce(self.weights)
        np.divide(self.weights, total if total > 0 else 1, out=self.normalized)


@dataclass(frozen=True, eq=False)
class ClipValue:
    """Clipping of each number of the flat gradient to [-maximum, maximum]."""

    gradient: Array
    maximum: float

    def __call__(self) -> None:
        """Clip the gradient in place."""
        np.clip(self.gradient, -self.maximum, self.maximum, out=self.gradient)


@dataclass(frozen=True, eq=False)
class ClipNorm:
    """Scaling of the flat gradient if its Euclidean norm is larger than a maximum.

    PyTorch's `clip_grad_norm_` divides by norm + 1e-6; this by the norm.
    """

    gradient: Array
    maximum: float

    def __call__(self) -> None:
        """Scale the gradient in place."""
        norm = sqrt(float(np.vdot(self.gradient, self.gradient)))
        if norm > self.maximum:
            np.multiply(self.gradient, self.maximum / norm, out=self.gradient)


@dataclass(frozen=True, eq=False)
class Record:
    """A record of an array in each of several steps: rows[row] = array.

    Attributes:
        array: flat and contiguous.
        rows: (steps, len(array)), contiguous.
        row: the row of the step in progress, int64 (1,).
    """

    array: Array
    rows: Array
    row: Array

    def __call__(self) -> None:
        """Fill the row."""
        self.rows[self.row.item()] = self.array


@dataclass(frozen=True, eq=False)
class OptimizerUpdate:
    """An optimizer's update of a slice of the parameters, by the component itself.

    Attributes:
        w: the parameters; `dw`, their gradient; `state`, the optimizer's arrays.
        rate: the learning rate of the step in progress, float64 (1,).
        step: its number, from 1, int64 (1,).
    """

    optimizer: Optimizer
    w: Array
    dw: Array
    state: OptimizerState
    rate: Array
    step: Array

    def __call__(self) -> None:
        """Update the parameters in place."""
        self.optimizer.update(self.w, self.dw, self.state, self.rate.item(), self.step.item())


@dataclass(frozen=True, eq=False)
class FlushDenormals:
    """Flushing of denormal numbers in an optimizer's state to 0, every few steps.

    The moments of a unit whose gradient has vanished keep decaying, and an operation on a denormal
    number takes about a hundred times as long as on any other.

    Attributes:
        array: flat and contiguous.
        step: the number of the step in progress, int64 (1,).
        every: the steps between two checks.
        scratch: as long as the parts that are checked at a time, and as many booleans in `small`.
    """

    array: Array
    step: Array
    every: int
    scratch: Array
    small: Array

    def __call__(self) -> None:
        """Check the array if it is due at this step."""
        if self.step.item() % self.every == 0:
            self.flush()

    def flush(self) -> None:
        """Check the array."""
        tiny, length = np.finfo(self.array.dtype).tiny, max(1, len(self.scratch))
        for start in range(0, len(self.array), length):
            part = self.array[start : start + length]
            size, is_small = self.scratch[: len(part)], self.small[: len(part)]
            np.abs(part, out=size)
            np.less(size, tiny, out=is_small)
            np.copyto(part, 0, where=is_small)
