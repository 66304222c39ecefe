"""Batch and layer normalization: mean 0 and variance 1, then a trained scale and offset."""

from collections.abc import Iterator
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
from declnet_standard.layers.window import batch_last

PART = 2**16
"""Numbers that batch_norm takes at a time, in whole channels; chosen to fit the CPU cache."""


class _Normalization(Layer):
    """A layer with scales and offsets."""

    example_shapes = ((5,), (3, 4), (2, 3, 4))
    backward_needs = frozenset()
    in_place = True
    output_range = OutputRange()

    epsilon: float = Field(default=1e-5, gt=0, description="added to the variance")
    scale_initializer: Initializer = Field(default=Ones(), description="initial scales")
    offset_initializer: Initializer = Field(default=Zeros(), description="initial offsets")
    scale_regularizer: Regularizer | None = Field(default=None, description="penalty on scales")
    offset_regularizer: Regularizer | None = Field(default=None, description="penalty on offsets")

    def _scale_and_offset(self, shape: Shape) -> dict[str, Parameter]:
        return {
            "scale": Parameter(shape, self.scale_initializer, self.scale_regularizer, role="scale"),
            "offset": Parameter(
                shape, self.offset_initializer, self.offset_regularizer, role="bias"
            ),
        }


class BatchNorm(_Normalization):
    """y = scale * (x - mean) / sqrt(variance + epsilon) + offset, for each channel.

    running_mean = momentum * running_mean + (1 - momentum) * mean, in training; likewise
    running_variance, with the variance divided by m - 1 (by 1 if m is 1). Mean and variance are
    those of the batch's samples and positions, the variance divided by their number m. In
    evaluation the running values are used, so a sample's prediction depends on no other sample;
    they are used and kept in training too while the layer is frozen, as in Keras, and as in
    PyTorch after `eval()`.

    x, y: (n, features) or (n, channels, …); parameters: (features,) or (channels,).

    With z = (x - mean) / sqrt(variance + epsilon):
    dscale = sum(dy * z), doffset = sum(dy),
    dx = scale / sqrt(variance + epsilon) * (dy - doffset / m - z * dscale / m).
    The mean is computed from differences to a channel's first number, so no digits are lost if the
    mean is large relative to the deviation, and a constant channel gives z = 0.

    Equivalent to PyTorch's `BatchNorm1d` and `BatchNorm2d` (weight, bias and running_var), except
    that their `momentum` is 1 - momentum and they refuse a batch with one number per channel.
    Keras's `BatchNormalization(axis=1)` has epsilon 0.001 and momentum 0.99, and m for the running
    variance too; it calls scale and offset gamma and beta.

    Source: Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing
    Internal Covariate Shift", ICML 2015, arXiv:1502.03167; for the differences: Chan, Golub and
    LeVeque, "Algorithms for Computing the Sample Variance", The American Statistician 37, 1983.
    """

    type = "batch_norm"
    examples = (
        {},
        {
            "epsilon": 0.001,
            "momentum": 0.99,
            "scale_regularizer": {"type": "l2", "strength": 5e-4},
        },
    )
    mixes_samples = True

    momentum: float = Field(
        default=0.9, ge=0, le=1, description="fraction of the running mean and variance to keep"
    )

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape; raise ValueError without an axis of features or channels."""
        if not input_shape:
            raise ValueError("batch_norm takes samples (features,) or (channels, …), not ()")
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return scale, offset, and the running mean and variance, which are not trained."""
        shape = input_shape[:1]
        return {
            **self._scale_and_offset(shape),
            "running_mean": Parameter(shape, "zeros", trainable=False, role="bias"),
            "running_variance": Parameter(shape, "ones", trainable=False, role="scale"),
        }

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for z, which backward needs, and for numbers per channel."""
        channels = Workspace(input_shape[:1], per_sample=False)
        each = dict.fromkeys(("mean", "variance", "slope", "part"), channels)
        return {"normal": Workspace(input_shape), **each}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """z = (x - mean) / sqrt(variance + epsilon), y = scale * z + offset."""
        training = state.training and not state.frozen
        normal, count = batch_last(state.normal), x[:, :1].size
        mean = state.mean if training else state.running_mean
        variance = state.variance if training else state.running_variance
        for part in _parts(x.shape):
            values, z = batch_last(x)[part], normal[part]
            if training:
                first = _firsts(values, 1)
                np.subtract(values, _over(first, z), out=z)
                np.add.reduce(z, axis=tuple(range(1, z.ndim)), out=mean[part])
                np.multiply(mean[part], 1 / count, out=mean[part])
                np.subtract(z, _over(mean[part], z), out=z)
                np.add(mean[part], first, out=mean[part])
                flat = z.reshape(len(z), -1)
                np.vecdot(flat, flat, out=variance[part])
                np.multiply(variance[part], 1 / count, out=variance[part])
            else:
                np.subtract(values, _over(mean[part], z), out=z)
            slope = state.slope[part]
            np.add(variance[part], self.epsilon, out=slope)
            np.sqrt(slope, out=slope)
            np.divide(1, slope, out=slope)
            np.multiply(z, _over(slope, z), out=z)
            filled = batch_last(y)[part]
            np.multiply(z, _over(state.scale[part], z), out=filled)
            np.add(filled, _over(state.offset[part], z), out=filled)
        if training:
            self._follow(state.running_mean, mean, 1, state.part)
            self._follow(state.running_variance, variance, count / max(count - 1, 1), state.part)

    def backward(self, x: None, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = scale / sqrt(variance + epsilon) * (dy - doffset / m - z * dscale / m).

        With z = (x - mean) / sqrt(variance + epsilon), which is overwritten, dscale = sum(dy * z)
        and doffset = sum(dy). If frozen, dx = scale / sqrt(variance + epsilon) * dy.
        """
        if state.frozen:
            self._frozen_backward(dy, dx, state)
            return
        normal, count = batch_last(state.normal), dy[:, :1].size
        dscale, doffset = state.grad.scale, state.grad.offset
        for part in _parts(dy.shape):
            gradient, z = batch_last(dy)[part], normal[part]
            flat = gradient.reshape(len(z), -1)
            np.vecdot(flat, z.reshape(len(z), -1), out=dscale[part])
            np.add.reduce(flat, axis=1, out=doffset[part])
            if dx is None:
                continue
            share, filled = state.part[part], batch_last(dx)[part]
            np.multiply(dscale[part], 1 / count, out=share)
            np.multiply(z, _over(share, z), out=z)
            np.multiply(doffset[part], 1 / count, out=share)
            np.add(z, _over(share, z), out=z)
            np.subtract(gradient, z, out=filled)
            np.multiply(state.scale[part], state.slope[part], out=share)
            np.multiply(filled, _over(share, z), out=filled)

    def _frozen_backward(self, dy: Array, dx: Array | None, state: LayerState) -> None:
        if dx is not None:
            np.multiply(state.scale, state.slope, out=state.part)
            filled, factor = batch_last(dx), state.part
            np.multiply(batch_last(dy), _over(factor, filled), out=filled)

    def _follow(self, running: Array, current: Array, factor: float, part: Array) -> None:
        np.multiply(running, self.momentum, out=running)
        np.multiply(current, factor * (1 - self.momentum), out=part)
        np.add(running, part, out=running)


def _parts(shape: Shape) -> Iterator[slice]:
    """Return slices of channels that fit the cache."""
    step = max(1, PART // max(1, shape[0] * prod(shape[2:])))
    return (slice(start, start + step) for start in range(0, shape[1], step))


class LayerNorm(_Normalization):
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
        return self._scale_and_offset(input_shape[self._first(input_shape) :])

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for z, which backward needs, g, and numbers per sample and first axes."""
        one = input_shape[: self._first(input_shape)]
        each = dict.fromkeys(("mean", "part", "slope"), Workspace(one))
        return {"normal": Workspace(input_shape), "scaled": Workspace(input_shape), **each}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """z = (x - mean) / sqrt(variance + epsilon), y = scale * z + offset."""
        z, mean, slope = state.normal, state.mean, state.slope
        over, kept, count = self._axes(x)
        np.subtract(x, _over(_firsts(x, len(kept)), x), out=z)
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
        """dx = (g - mean(g) - z * mean(g * z)) / sqrt(variance + epsilon), with g = dy * scale.

        With z = (x - mean) / sqrt(variance + epsilon), which is overwritten, dscale = sum(dy * z)
        and doffset = sum(dy).
        """
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


def _firsts(values: Array, kept: int) -> Array:
    """Return a view of the first number along all axes but the first `kept`."""
    places: tuple[slice | int, ...] = (slice(None),) * kept + (0,) * (values.ndim - kept)
    firsts: Array = values[places]
    return firsts


def _over(numbers: Array, values: Array) -> Array:
    """Return a view of numbers, one for each of the first axes of values, along these axes."""
    return numbers.reshape(*numbers.shape, *(1 for _ in values.shape[numbers.ndim :]))
