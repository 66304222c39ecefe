"""Gaussian noise."""

from math import prod
from typing import Annotated

import numpy as np
from pydantic import Field

from declnet import Array, Layer, LayerState, OutputRange, Schedule, Scheduled, Shape, Workspace


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
