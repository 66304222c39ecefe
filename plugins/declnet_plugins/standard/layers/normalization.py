"""Normalization to mean 0 and variance 1, then a trained scale and offset; by batches."""

from collections.abc import Iterator
from functools import partial
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
from declnet_plugins.standard.initializers import Ones, Zeros
from declnet_plugins.standard.layers.window import batch_last

PART = 2**16
"""Numbers that batch_norm takes at a time, in whole channels; chosen to fit the CPU cache."""


class Normalization(Layer):
    """A layer with scales and offsets."""

    other_keys = {"eps": "epsilon"}
    example_shapes = ((5,), (3, 4), (2, 3, 4))
    backward_needs = frozenset()
    in_place = True
    output_range = OutputRange()

    epsilon: float = Field(default=1e-5, gt=0, description="added to the variance")
    scale_initializer: Initializer = Field(default=Ones(), description="initial scales")
    offset_initializer: Initializer = Field(default=Zeros(), description="initial offsets")
    scale_regularizer: Regularizer | None = Field(default=None, description="penalty on scales")
    offset_regularizer: Regularizer | None = Field(default=None, description="penalty on offsets")

    def scale_and_offset(self, shape: Shape) -> dict[str, Parameter]:
        """Return both parameters, of a shape."""
        return {
            "scale": Parameter(shape, self.scale_initializer, self.scale_regularizer, role="scale"),
            "offset": Parameter(
                shape, self.offset_initializer, self.offset_regularizer, role="bias"
            ),
        }


class BatchNorm(Normalization):
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
        {"epsilon": 0.001, "momentum": 0.99, "scale_regularizer": {"type": "l2", "strength": 5e-4}},
    )
    other_types = ("bn", "batch_norm_1d", "batch_norm_2d", "batch_normalization")
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
        running = partial(Parameter, shape, trainable=False, running_statistic=True)
        return {
            **self.scale_and_offset(shape),
            "running_mean": running("zeros", role="bias"),
            "running_variance": running("ones", role="scale"),
        }

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for z, which backward needs, and for numbers per channel."""
        channels = Workspace(input_shape[:1], per_sample=False)
        per_channel = dict.fromkeys(("mean", "variance", "slope", "part"), channels)
        return {"normal": Workspace(input_shape), **per_channel}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """z = (x - mean) / sqrt(variance + epsilon), y = scale * z + offset."""
        training = state.training and not state.frozen
        normal, count = batch_last(state.normal), x[:, :1].size
        mean = state.mean if training else state.running_mean
        variance = state.variance if training else state.running_variance
        for part in _parts(x.shape):
            values, z = batch_last(x)[part], normal[part]
            if training:
                first = firsts(values, 1)
                np.subtract(values, over_first_axes(first, z), out=z)
                np.add.reduce(z, axis=tuple(range(1, z.ndim)), out=mean[part])
                np.multiply(mean[part], 1 / count, out=mean[part])
                np.subtract(z, over_first_axes(mean[part], z), out=z)
                np.add(mean[part], first, out=mean[part])
                flat = z.reshape(len(z), -1)
                np.vecdot(flat, flat, out=variance[part])
                np.multiply(variance[part], 1 / count, out=variance[part])
            else:
                np.subtract(values, over_first_axes(mean[part], z), out=z)
            slope = state.slope[part]
            np.add(variance[part], self.epsilon, out=slope)
            np.sqrt(slope, out=slope)
            np.divide(1, slope, out=slope)
            np.multiply(z, over_first_axes(slope, z), out=z)
            filled = batch_last(y)[part]
            np.multiply(z, over_first_axes(state.scale[part], z), out=filled)
            np.add(filled, over_first_axes(state.offset[part], z), out=filled)
        if training:
            momentum = 0 if state.measuring else self.momentum
            _follow(state.running_mean, mean, momentum, 1, state.part)
            unbiased = count / max(count - 1, 1)
            _follow(state.running_variance, variance, momentum, unbiased, state.part)

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
            np.multiply(z, over_first_axes(share, z), out=z)
            np.multiply(doffset[part], 1 / count, out=share)
            np.add(z, over_first_axes(share, z), out=z)
            np.subtract(gradient, z, out=filled)
            np.multiply(state.scale[part], state.slope[part], out=share)
            np.multiply(filled, over_first_axes(share, z), out=filled)

    def _frozen_backward(self, dy: Array, dx: Array | None, state: LayerState) -> None:
        if dx is not None:
            np.multiply(state.scale, state.slope, out=state.part)
            filled, factor = batch_last(dx), state.part
            np.multiply(batch_last(dy), over_first_axes(factor, filled), out=filled)


def _follow(running: Array, current: Array, momentum: float, factor: float, part: Array) -> None:
    np.multiply(running, momentum, out=running)
    np.multiply(current, factor * (1 - momentum), out=part)
    np.add(running, part, out=running)


def _parts(shape: Shape) -> Iterator[slice]:
    """Return slices of channels that fit the cache."""
    step = max(1, PART // max(1, shape[0] * prod(shape[2:])))
    return (slice(start, start + step) for start in range(0, shape[1], step))


def firsts(values: Array, axes: int) -> Array:
    """Return a view of the first number along all axes but the first `kept`."""
    places: tuple[slice | int, ...] = (slice(None),) * axes + (0,) * (values.ndim - axes)
    firsts: Array = values[places]
    return firsts


def over_first_axes(numbers: Array, values: Array) -> Array:
    """Return a view of numbers, one for each of the first axes of values, along these axes."""
    return numbers.reshape(*numbers.shape, *(1 for _ in values.shape[numbers.ndim :]))
