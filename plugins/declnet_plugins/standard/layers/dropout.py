"""Random layers, which vary a sample in training only: dropout and Gaussian noise."""

from collections.abc import Iterator
from math import prod
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from declnet import (
    Array,
    Diagnostic,
    Layer,
    LayerState,
    OutputRange,
    RunContext,
    Schedule,
    Scheduled,
    Shape,
    Workspace,
)


class Dropout(Layer):
    """y = x * mask in training, y = x otherwise; mask = 0 or 1 / (1 - rate), drawn by number.

    Each number is set to zero with probability `rate`; the others are scaled up to preserve
    the mean (inverted dropout: evaluation needs no scaling). x, y, mask: (n, *shape).

    The same as the book's (chapter 15), PyTorch's `Dropout(p=rate)` and Keras's `Dropout(rate)`.
    Some books use the share to keep, 1 - rate.

    Source: Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting",
    JMLR 15, 2014.
    """

    type = "dropout"
    examples = (
        {"rate": 0.1},
        {"rate": 0.5},
        {"rate": {"type": "flat_cosine", "initial_rate": 0.3}},
    )
    other_keys = {
        "p": "rate",
        "prob": "rate",
        "probability": "rate",
        "drop_rate": "rate",
        "dropout": "rate",
    }
    backward_needs = frozenset()
    in_place = True
    memory_order = "any"
    output_range = "input"
    is_linear = True

    rate: Annotated[float | Schedule, Scheduled(ge=0, lt=1)] = Field(
        description="fraction to set to zero, or a schedule of it"
    )

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Report dropout on the output."""
        if (
            context.here is not None
            and context.here in (context.last, *context.outputs)
            and self.rate
        ):
            name = context.here.name
            message = f'"{name}", the last layer, sets some of the outputs to zero in training'
            yield Diagnostic(message, "put it before the last layer with parameters", code="W060")

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for the mask, one axis of features: random draws need contiguous memory."""
        return {"mask": Workspace((int(np.prod(input_shape)),))}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """Draw a new mask and compute y = x * mask."""
        if state.training:
            mask = state.mask
            fill_mask(mask, state.now.rate, state.rng)
            np.multiply(x, mask.reshape(x.shape), out=y)
        elif y is not x:
            np.copyto(y, x)

    def backward(self, x: None, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy * mask, with the mask from this step's forward pass."""
        if dx is None:
            return
        if state.training:
            np.multiply(dy, state.mask.reshape(dy.shape), out=dx)
        elif dx is not dy:
            np.copyto(dx, dy)


def fill_mask(mask: Array, rate: Any, rng: np.random.Generator) -> None:
    """Fill contiguous memory with 0 at a rate, and with 1 / (1 - rate) elsewhere."""
    rng.random(out=mask, dtype=mask.dtype.type)
    np.greater_equal(mask, rate, out=mask)
    np.multiply(mask, 1 / (1 - rate), out=mask)


class GaussianNoise(Layer):
    """y = x + std * noise in training, y = x otherwise; noise is drawn for each number.

    x, y: (n, *shape); the noise has mean 0 and variance 1. dx = dy. As the first layer it augments
    data that is standardized; later it regularizes, like dropout. The same as Keras's
    `GaussianNoise(stddev)`.

    Source: Bishop, "Training with Noise is Equivalent to Tikhonov Regularization", Neural
    Computation 7, 1995.
    """

    type = "gaussian_noise"
    examples = ({"std": 0.1}, {"std": {"type": "flat_cosine", "initial_rate": 0.3}})
    backward_needs = frozenset()
    in_place = True
    memory_order = "any"
    output_range = OutputRange()
    is_linear = True

    std: Annotated[float | Schedule, Scheduled(ge=0)] = Field(
        description="standard deviation of the noise, or a schedule of it"
    )

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for the noise, one axis of features: draws need contiguous memory."""
        return {"noise": Workspace((prod(input_shape),))}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """Draw new noise and compute y = x + std * noise."""
        if state.training:
            noise = state.noise
            state.rng.standard_normal(out=noise, dtype=noise.dtype.type)
            np.multiply(noise, state.now.std, out=noise)
            np.add(x, noise.reshape(x.shape), out=y)
        elif y is not x:
            np.copyto(y, x)

    def backward(self, x: None, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy."""
        if dx is not None and dx is not dy:
            np.copyto(dx, dy)
