"""Normalization of each sample alone: layer_norm, group_norm and rms_norm."""

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
from declnet_plugins.standard.initializers import Ones
from declnet_plugins.standard.layers.normalization import Normalization, firsts, over_first_axes


class LayerNorm(Normalization):
    """y = scale * (x - mean) / sqrt(variance + epsilon) + offset, for each sample.

    Mean and variance are taken over all of a sample's numbers, or over its last `axes` axes; the
    variance is divided by their number, m. x, y: (n, *shape); scale, offset: the last axes of
    the shape, (features,) say. For sequences (steps, features), `axes = 1` normalizes each step.

    With z = (x - mean) / sqrt(variance + epsilon): dscale = sum(dy * z), doffset = sum(dy), over
    samples and other axes; dx = (g - mean(g) - z * mean(g * z)) / sqrt(variance + epsilon), with
    g = dy * scale. The mean is computed from differences to the first number, as in batch_norm.

    Equivalent to PyTorch's `LayerNorm(normalized_shape)`, with its weight and bias. Keras's
    `LayerNormalization` defaults to only the last axis and epsilon 0.001.

    Source: Ba, Kiros and Hinton, "Layer Normalization", 2016, arXiv:1607.06450.
    """

    type = "layer_norm"
    examples = ({}, {"axes": 1, "epsilon": 0.001})
    other_types = ("ln", "layer_normalization")
    memory_order = "any"

    axes: int | None = Field(
        default=None, ge=1, description="number of last axes to normalize over; default: all"
    )

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape; raise ValueError if it has too few axes to normalize."""
        if len(input_shape) < (self.axes or 1):
            raise ValueError(
                f"layer_norm takes samples of at least {self.axes or 1} axes, not {input_shape}"
            )
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return scale and offset, with the shape of the last axes."""
        return self.scale_and_offset(input_shape[self._first(input_shape) :])

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for z, which backward needs, g, and numbers per sample and first axes."""
        one = input_shape[: self._first(input_shape)]
        per_place = dict.fromkeys(("mean", "part", "slope"), Workspace(one))
        return {"normal": Workspace(input_shape), "scaled": Workspace(input_shape), **per_place}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """z = (x - mean) / sqrt(variance + epsilon), y = scale * z + offset."""
        z = state.normal
        standardize(x, z, state.mean, state.slope, self.epsilon)
        np.multiply(z, state.scale, out=y)
        np.add(y, state.offset, out=y)

    def backward(self, x: None, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = (g - mean(g) - z * mean(g * z)) / sqrt(variance + epsilon), with g = dy * scale.

        With z = (x - mean) / sqrt(variance + epsilon), which is overwritten, dscale = sum(dy * z)
        and doffset = sum(dy).
        """
        z, g, first = state.normal, state.scaled, state.mean.ndim
        axes = list(range(dy.ndim))
        np.einsum(dy, axes, z, axes, axes[first:], out=state.grad.scale)
        np.add.reduce(dy, axis=tuple(axes[:first]), out=state.grad.offset)
        if dx is not None:
            np.multiply(dy, state.scale, out=g)
            fill_input_gradient(g, z, state.mean, state.part, state.slope, dx)

    def _first(self, shape: Shape) -> int:
        """Return the first of a sample's normalized axes."""
        return len(shape) - (self.axes or len(shape))


class GroupNorm(Normalization):
    """y = scale * (x - mean) / sqrt(variance + epsilon) + offset, for each group of channels.

    A sample's channels are split into `groups` groups of neighbors; mean and variance are taken
    over the numbers of a group at all positions, the variance divided by their number, m. One group
    is layer normalization with a scale per channel; as many groups as channels is instance
    normalization.
    x, y: (n, features) or (n, channels, …); scale, offset: (features,) or (channels,).

    Backward is as in layer_norm: dx = (g - mean(g) - z * mean(g * z)) / sqrt(variance + epsilon),
    with g = dy * scale and z = (x - mean) / sqrt(variance + epsilon).

    The same as PyTorch's `GroupNorm(num_groups, num_channels)`. Keras's `GroupNormalization` with
    axis 1 has 32 groups and epsilon 0.001.

    Source: Wu and He, "Group Normalization", ECCV 2018, arXiv:1803.08494.
    """

    type = "group_norm"
    examples = ({"groups": 2}, {"groups": 1, "epsilon": 0.001})
    example_shapes = ((6,), (4, 3), (4, 3, 2))

    groups: int = Field(ge=1, description="number of groups; it divides the number of channels")

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape; raise ValueError unless the groups divide the channels."""
        if not input_shape:
            raise ValueError("group_norm takes samples (features,) or (channels, …), not ()")
        if input_shape[0] % self.groups:
            raise ValueError(f"{self.groups} groups do not divide {input_shape[0]} channels")
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return scale and offset, (channels,)."""
        return self.scale_and_offset(input_shape[:1])

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for z, which backward needs, g, and numbers per sample and group."""
        per_group = dict.fromkeys(("mean", "part", "slope"), Workspace((self.groups,)))
        return {"normal": Workspace(input_shape), "scaled": Workspace(input_shape), **per_group}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """z = (x - mean) / sqrt(variance + epsilon), y = scale * z + offset."""
        z = state.normal
        grouped = self._by_group(x), self._by_group(z)
        standardize(*grouped, state.mean, state.slope, self.epsilon)
        np.multiply(z, _along_channels(state.scale, z), out=y)
        np.add(y, _along_channels(state.offset, z), out=y)

    def backward(self, x: None, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """Fill dx as in layer_norm, dscale = sum(dy * z) and doffset = sum(dy)."""
        z, g, axes = state.normal, state.scaled, list(range(dy.ndim))
        np.einsum(dy, axes, z, axes, [1], out=state.grad.scale)
        np.add.reduce(dy, axis=(0, *axes[2:]), out=state.grad.offset)
        if dx is not None:
            np.multiply(dy, _along_channels(state.scale, z), out=g)
            grouped = self._by_group(g), self._by_group(z)
            filled = self._by_group(dx)
            fill_input_gradient(*grouped, state.mean, state.part, state.slope, filled)

    def _by_group(self, values: Array) -> Array:
        """Return a view as (n, groups, channels of a group, …): to split an axis copies nothing."""
        n, channels, *others = values.shape
        return values.reshape(n, self.groups, channels // self.groups, *others)


class RMSNorm(Layer):
    """y = scale * z, z = x / sqrt(mean(x**2) + epsilon), for each sample.

    The mean is taken over the last axis, of m features, or the last `axes` axes; unlike in
    layer_norm it is not subtracted, and there is no offset. x, y: (n, *shape); scale: the last axes
    of the shape, (features,) say.

    dscale = sum(dy * z) over samples and other axes; dx = (g - z * mean(g * z)) /
    sqrt(mean(x**2) + epsilon), with g = dy * scale.

    The same as PyTorch's `RMSNorm(normalized_shape, eps)`, whose default eps is the machine
    epsilon, and Keras's `RMSNormalization`.

    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", NeurIPS 2019,
    arXiv:1910.07467.
    """

    type = "rms_norm"
    examples = ({}, {"axes": 2, "epsilon": 0.001})
    example_shapes = ((3, 4), (2, 3, 4))
    backward_needs = frozenset()
    in_place = True
    memory_order = "any"
    output_range = OutputRange()

    axes: int = Field(default=1, ge=1, description="number of last axes to normalize over")
    epsilon: float = Field(default=1e-6, gt=0, description="added to the mean square")
    scale_initializer: Initializer = Field(default=Ones(), description="initial scales")
    scale_regularizer: Regularizer | None = Field(default=None, description="penalty on scales")

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape; raise ValueError if it has too few axes to normalize."""
        if len(input_shape) < self.axes:
            raise ValueError(
                f"rms_norm takes samples of at least {self.axes} axes, not {input_shape}"
            )
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return the scale, with the shape of the last axes."""
        shape = input_shape[len(input_shape) - self.axes :]
        scale = Parameter(shape, self.scale_initializer, self.scale_regularizer, role="scale")
        return {"scale": scale}

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for z, which backward needs, g, and numbers per sample and first axes."""
        one = Workspace(input_shape[: len(input_shape) - self.axes])
        of_all = dict.fromkeys(("normal", "scaled"), Workspace(input_shape))
        return {**of_all, "slope": one, "part": one}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """z = x / sqrt(mean(x**2) + epsilon), y = scale * z."""
        fill_inverse_deviation(x, state.slope, self.epsilon)
        np.multiply(x, over_first_axes(state.slope, x), out=state.normal)
        np.multiply(state.normal, state.scale, out=y)

    def backward(self, x: None, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = (g - z * mean(g * z)) / sqrt(mean(x**2) + epsilon); z is overwritten."""
        z, g, axes, first = state.normal, state.scaled, list(range(dy.ndim)), state.slope.ndim
        np.einsum(dy, axes, z, axes, axes[first:], out=state.grad.scale)
        if dx is not None:
            np.multiply(dy, state.scale, out=g)
            multiply_by_product(g, z, state.part)
            np.subtract(g, z, out=dx)
            np.multiply(dx, over_first_axes(state.slope, dx), out=dx)


def _along_channels(numbers: Array, values: Array) -> Array:
    """Return a view of numbers, one per channel, along axis 1 of values."""
    return numbers.reshape(-1, *(1 for _ in values.shape[2:]))


def standardize(x: Array, z: Array, mean: Array, slope: Array, epsilon: float) -> None:
    """z = (x - mean) * slope, slope = 1 / sqrt(variance + epsilon), over the axes after mean's."""
    first, axes = mean.ndim, range(x.ndim)
    np.subtract(x, over_first_axes(firsts(x, first), x), out=z)
    np.add.reduce(z, axis=tuple(axes[first:]), out=mean)
    np.multiply(mean, 1 / prod(x.shape[first:]), out=mean)
    np.subtract(z, over_first_axes(mean, z), out=z)
    fill_inverse_deviation(z, slope, epsilon)
    np.multiply(z, over_first_axes(slope, x), out=z)


def fill_inverse_deviation(z: Array, slope: Array, epsilon: float) -> None:
    """Slope = 1 / sqrt(mean(z**2) + epsilon), over the axes after slope's."""
    axes = list(range(z.ndim))
    np.einsum(z, axes, z, axes, axes[: slope.ndim], out=slope)
    np.multiply(slope, 1 / prod(z.shape[slope.ndim :]), out=slope)
    np.add(slope, epsilon, out=slope)
    np.sqrt(slope, out=slope)
    np.divide(1, slope, out=slope)


def fill_input_gradient(
    g: Array, z: Array, mean: Array, part: Array, slope: Array, dx: Array
) -> None:
    """dx = (g - mean(g) - z * mean(g * z)) * slope, over the axes after mean's.

    g and z are overwritten.
    """
    first = mean.ndim
    np.add.reduce(g, axis=tuple(range(first, g.ndim)), out=mean)
    np.multiply(mean, 1 / prod(g.shape[first:]), out=mean)
    multiply_by_product(g, z, part)
    np.subtract(g, over_first_axes(mean, g), out=g)
    np.subtract(g, z, out=dx)
    np.multiply(dx, over_first_axes(slope, dx), out=dx)


def multiply_by_product(g: Array, z: Array, part: Array) -> None:
    """z = z * mean(g * z), over the axes after part's."""
    axes = list(range(g.ndim))
    np.einsum(g, axes, z, axes, axes[: part.ndim], out=part)
    np.multiply(part, 1 / prod(g.shape[part.ndim :]), out=part)
    np.multiply(z, over_first_axes(part, z), out=z)
