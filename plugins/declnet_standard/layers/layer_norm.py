"""Layer normalization."""

from math import prod

import numpy as np
from pydantic import Field

from declnet import (
    Array,
    Initializer,
    Layer,
    LayerState,
    OutputRange,
    Parameter,
    Regularizer,
    Shape,
    Workspace,
)
from declnet_standard.initializers import Ones, Zeros


class LayerNorm(Layer):
    """y = scale * (x - mean) / sqrt(variance + epsilon) + offset, for each sample.

    Mean and variance are taken over all of a sample's numbers, or over its last `axes` axes; the
    variance is divided by their number, m. x, y: (n, *shape); scale, offset: the last axes of
    the shape, (features,) say.

    With z = (x - mean) / sqrt(variance + epsilon): dscale = sum(dy * z), doffset = sum(dy), over
    samples and other axes; dx = (g - mean(g) - z * mean(g * z)) / sqrt(variance + epsilon), with
    g = dy * scale. The mean is computed from differences to the first number, as in batch_norm.

    Equivalent to PyTorch's `LayerNorm(normalized_shape)`, with its weight and bias. Keras's
    `LayerNormalization` defaults to only the last axis and epsilon 0.001.

    Source: Ba, Kiros and Hinton, "Layer Normalization", 2016, arXiv:1607.06450.
    """

    type = "layer_norm"
    examples = ({}, {"axes": 1, "epsilon": 0.001})
    example_shapes = ((5,), (3, 4), (2, 3, 4))
    backward_needs = frozenset()
    in_place = True
    memory_order = "any"
    output_range = OutputRange()

    axes: int | None = Field(
        default=None, ge=1, description="how many of a sample's last axes; default: all"
    )
    epsilon: float = Field(default=1e-5, gt=0, description="added to the variance")
    scale_initializer: Initializer = Field(
        default=Ones(), description="values that scales start with"
    )
    offset_initializer: Initializer = Field(
        default=Zeros(), description="values that offsets start with"
    )
    scale_regularizer: Regularizer | None = Field(default=None, description="penalty on scales")
    offset_regularizer: Regularizer | None = Field(default=None, description="penalty on offsets")

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape; raise ValueError if it has too few axes to normalize."""
        if len(input_shape) < (self.axes or 1):
            raise ValueError(
                f"layer_norm takes samples of at least {self.axes or 1} axes, not {input_shape}"
            )
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return scale and offset, with the shape of the last axes."""
        shape = input_shape[self._first(input_shape) :]
        return {
            "scale": Parameter(shape, self.scale_initializer, self.scale_regularizer, role="scale"),
            "offset": Parameter(
                shape, self.offset_initializer, self.offset_regularizer, role="bias"
            ),
        }

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for z, which backward needs, g, and numbers per sample and first axes."""
        one = input_shape[: self._first(input_shape)]
        each = dict.fromkeys(("mean", "part", "slope"), Workspace(one))
        return {"normal": Workspace(input_shape), "scaled": Workspace(input_shape), **each}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """z = (x - mean) / sqrt(variance + epsilon), y = scale * z + offset."""
        z, mean, slope = state.normal, state.mean, state.slope
        over, kept, count = self._axes(x)
        first: tuple[slice | int, ...] = (slice(None),) * len(kept) + (0,) * len(over)
        np.subtract(x, _over(x[first], x), out=z)
        np.add.reduce(z, axis=over, out=mean)
        np.multiply(mean, 1 / count, out=mean)
        np.subtract(z, _over(mean, z), out=z)
        np.einsum(z, list(range(x.ndim)), z, list(range(x.ndim)), kept, out=slope)
        np.multiply(slope, 1 / count, out=slope)
        np.add(slope, self.epsilon, out=slope)
        np.sqrt(slope, out=slope)
        np.divide(1, slope, out=slope)
        np.multiply(z, _over(slope, x), out=z)
        np.multiply(z, state.scale, out=y)
        np.add(y, state.offset, out=y)

    def backward(self, x: None, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """Compute the gradients above; z is overwritten."""
        z, g, mean, part = state.normal, state.scaled, state.mean, state.part
        over, kept, count = self._axes(dy)
        axes = list(range(dy.ndim))
        np.einsum(dy, axes, z, axes, list(over), out=state.grad.scale)
        np.add.reduce(dy, axis=tuple(kept), out=state.grad.offset)
        if dx is None:
            return
        np.multiply(dy, state.scale, out=g)
        np.add.reduce(g, axis=over, out=mean)
        np.multiply(mean, 1 / count, out=mean)
        np.einsum(g, axes, z, axes, kept, out=part)
        np.multiply(part, 1 / count, out=part)
        np.multiply(z, _over(part, z), out=z)
        np.subtract(g, _over(mean, g), out=g)
        np.subtract(g, z, out=dx)
        np.multiply(dx, _over(state.slope, dx), out=dx)

    def _first(self, shape: Shape) -> int:
        """Return the first of a sample's normalized axes."""
        return len(shape) - (self.axes or len(shape))

    def _axes(self, values: Array) -> tuple[tuple[int, ...], list[int], int]:
        """Return the normalized axes of (n, *shape), the others, and m."""
        first = 1 + self._first(values.shape[1:])
        over = tuple(range(first, values.ndim))
        return over, list(range(first)), prod(values.shape[first:])


def _over(numbers: Array, values: Array) -> Array:
    """Return a view of numbers, one for each of the first axes of values, along these axes."""
    return numbers.reshape(*numbers.shape, *(1 for _ in values.shape[numbers.ndim :]))
