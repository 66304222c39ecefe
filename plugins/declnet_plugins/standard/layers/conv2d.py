"""The convolution of images, as one matrix product for each row of outputs.

For each row of the padded images, `state.rows` stores what each column of the kernel sees at each
position. The numbers under the kernel for a row of outputs are then consecutive rows in memory,
which form a matrix without copying: (kernel height * channels * kernel width, width * n). This
takes the memory of the images times the kernel's width; a matrix of all patches (im2col) takes
that times the kernel's height, and proportionally more time to build.

The rows have the axes (groups, rows, columns of the kernel by channel, width, n), with 1 after the
last channel if there are biases. Rows that a dilated kernel sees together are adjacent.
"""

from collections.abc import Iterator
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from declnet import Array, LayerState, OutputRange, Parameter, Shape, Workspace
from declnet_plugins.standard.layers import other_keys
from declnet_plugins.standard.layers.affine import AffineLayer
from declnet_plugins.standard.layers.window import (
    Padding,
    Sizes,
    Window,
    batch_last,
    seen,
    small_buffer,
    window_over,
)


class ImageConvolution(AffineLayer):
    """A base for layers with a kernel that moves over images, and a bias for each filter."""

    other_keys = other_keys.FILTERS
    output_range = OutputRange()
    is_linear = True

    filters: int = Field(ge=1, description="number of output channels")
    kernel_size: Sizes = Field(description="size of a filter: a number, or [height, width]")
    stride: Sizes = Field(default=(1, 1), description="how far a filter moves at a time")
    padding: Padding = Field(
        default=(0, 0),
        description='zeros around: "valid" (0), "same" (ceil(size / stride) outputs), a number, or '
        "[above and below, left and right]",
    )
    dilation: Sizes = Field(default=(1, 1), description="distance between a filter's elements")
    groups: int = Field(default=1, ge=1, description="independent groups of channels and filters")

    @model_validator(mode="after")
    def _groups_divide_filters(self) -> Self:
        if self.filters % self.groups:
            raise ValueError(f"{self.groups} groups do not divide {self.filters} filters")
        return self


class Conv2d(ImageConvolution):
    """y[f, i, j] = biases[f] + sum over c, k, l of weights[f, c, k, l] * x[c, i + k, j + l].

    x: (n, channels, height, width); weights: (filters, channels / groups, kernel height, kernel
    width); biases: (filters,); y: (n, filters, …). With stride s and dilation d it is
    x[c, s * i + d * k, s * j + d * l]. x is padded with zeros according to `padding`. As in other
    libraries, this is a cross-correlation: the kernel is not flipped. With groups, filters and
    channels are split into that many parts, and a filter sees only its part; groups = channels
    gives the depthwise convolution.

    Each patch of x, with a 1, is a column of a matrix: y = (weights, biases) @ patches, and
    d(weights, biases) = dy @ patches.T, dpatches = weights.T @ dy, added up at their sources.

    The same as PyTorch's `Conv2d` except for the initial weights (PyTorch's are uniform with
    variance 1 / (3 * fan_in), its biases too) and for padding "same" with stride > 1, which PyTorch
    lacks: ceil(size / stride) outputs, as in Keras. Keras has weights (kernel height, kernel width,
    channels / groups, filters).

    Source: Chellapilla, Puri and Simard, "High Performance Convolutional Neural Networks for
    Document Processing", 2006, for the matrix of patches.
    """

    type = "conv2d"
    examples = (
        {"filters": 3, "kernel_size": 3},
        {"filters": 4, "kernel_size": [3, 2], "stride": 2, "padding": "same"},
        {"filters": 4, "kernel_size": 2, "padding": [1, 2], "dilation": [2, 1], "groups": 2},
        {"filters": 4, "kernel_size": 3, "padding": 1, "groups": 4, "use_bias": False},
        {"filters": 2, "kernel_size": 1, "weight_regularizer": {"type": "l2", "strength": 5e-4}},
    )
    other_types = ("conv", "convolution", "convolution2d")
    example_shapes = ((4, 6, 5),)
    backward_needs = frozenset()

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (filters, height, width); raise ValueError unless the input is images that fit."""
        window = self._window(input_shape)
        if input_shape[0] % self.groups:
            raise ValueError(f"{self.groups} groups do not divide {input_shape[0]} channels")
        return (self.filters, *window.output)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return weights (filters, channels / groups, height, width) and biases (filters,)."""
        shape = (self.filters, input_shape[0] // self.groups, *self.kernel_size)
        return {"weights": self.weights(shape), **self.biases((self.filters,))}

    def numpy_calls(self, input_shape: Shape) -> int:
        """Return the calls for each row of outputs and for the weights."""
        return 30 + 6 * self.output_shape(input_shape)[1]

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for x as seen by kernels, one row of its gradient, and three weights."""
        window, height = self._window(input_shape), self.kernel_size[0]
        rows = -(-window.rows.padded // window.rows.dilation) * window.rows.dilation
        numbers = input_shape[0] // self.groups * window.columns.kernel + self.use_bias
        matrices = (self.groups, self.filters // self.groups, height, numbers)
        return {
            "rows": Workspace((self.groups, rows, numbers, window.columns.output)),
            "row": Workspace((self.groups, height, numbers, window.columns.output)),
            **dict.fromkeys(
                ("matrices", "gradient", "part"), Workspace(matrices, per_sample=False)
            ),
        }

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = (weights, biases) @ the numbers under the kernel, row by row."""
        self.store_rows(x, state)
        self.store_weights(state)
        self.convolve(y, state)

    def backward(self, x: None, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """d(weights, biases) = the sum of dy @ rows.T; drows = weights.T @ dy, added up to dx."""
        self.fill_gradient(dy, state)
        if dx is not None:
            self.spread(dy, dx, state)

    def store_rows(self, x: Array, state: LayerState) -> None:
        """Store what each column of the kernel sees at each position of x."""
        window, rows = self._window(x.shape[1:]), batch_last(state.rows)
        if window.has_padding:
            rows.fill(0)
        for stored, numbers in _copies(rows, batch_last(x), window):
            np.copyto(stored, numbers)
        if self.use_bias:
            rows[:, :, -1] = 1

    def store_weights(self, state: LayerState) -> None:
        """Store the weights, and the biases, as the matrices that multiply the rows."""
        matrices = state.matrices
        np.copyto(self._weights_in(matrices), self._by_group(state.weights))
        if self.use_bias:
            matrices[:, :, :, -1] = 0
            np.copyto(matrices[:, :, 0, -1], self._by_group(state.biases))

    def convolve(self, y: Array, state: LayerState) -> None:
        """y = matrices @ rows."""
        images, rows, matrices = batch_last(y), batch_last(state.rows), state.matrices
        filled = np.ascontiguousarray(images)
        outputs = self._by_row(filled)
        for row in range(y.shape[2]):
            np.matmul(_flat(matrices), self._under_kernel(rows, row), out=outputs[:, :, row])
        if filled is not images:
            np.copyto(images, filled)

    def fill_gradient(self, dy: Array, state: LayerState) -> None:
        """dmatrices = the sum of dy @ rows.T, with the gradients of weights and biases."""
        rows, gradient = batch_last(state.rows), state.gradient
        outputs = self._by_row(np.ascontiguousarray(batch_last(dy)))
        for row in range(dy.shape[2]):
            part = state.part if row else gradient
            patches = np.swapaxes(self._under_kernel(rows, row), 1, 2)
            np.matmul(outputs[:, :, row], patches, out=_flat(part))
            if row:
                np.add(gradient, part, out=gradient)
        np.copyto(self._by_group(state.grad.weights), self._weights_in(gradient))
        if self.use_bias:
            np.copyto(self._by_group(state.grad.biases), gradient[:, :, 0, -1])

    def spread(self, dy: Array, dx: Array, state: LayerState) -> None:
        """drows = matrices.T @ dy, added up to dx; the rows are overwritten."""
        rows = batch_last(state.rows)
        outputs = self._by_row(np.ascontiguousarray(batch_last(dy)))
        across = np.swapaxes(_flat(state.matrices), 1, 2)
        product = np.matmul if across.shape[2] > 1 else np.multiply  # where BLAS is slow
        drow = batch_last(state.row).reshape(self.groups, across.shape[1], -1)
        rows.fill(0)
        for row in range(dy.shape[2]):
            product(across, outputs[:, :, row], out=drow)
            drows = self._under_kernel(rows, row)
            np.add(drows, drow, out=drows)
        images = batch_last(dx)
        images.fill(0)
        with small_buffer():
            for stored, numbers in _copies(rows, images, self._window(dx.shape[1:])):
                np.add(numbers, stored, out=numbers)

    def _window(self, shape: Shape) -> Window:
        return window_over(
            self.type, shape, self.kernel_size, self.stride, self.padding, self.dilation
        )

    def _under_kernel(self, rows: Array, row: int) -> Array:
        """Return a view as (groups, numbers under the kernel, width * n) for a row of outputs."""
        length, apart = rows.shape[2], self.dilation[0]
        skipped, rest = divmod(row * self.stride[0], apart)
        start = rest * (rows.shape[1] // apart) + skipped
        numbers = rows.reshape(len(rows), -1, rows.shape[3] * rows.shape[4])
        return numbers[:, start * length : (start + self.kernel_size[0]) * length]

    def _by_row(self, images: Array) -> Array:
        """Return outputs viewed as (groups, filters of a group, height, width * n)."""
        return images.reshape(self.groups, -1, images.shape[1], images[0, 0].size)

    def _by_group(self, parameters: Array) -> Array:
        """Return weights or biases viewed as (groups, filters of a group, …)."""
        return parameters.reshape(self.groups, -1, *parameters.shape[1:])

    def _weights_in(self, matrices: Array) -> Array:
        """Return a view of the weights in matrices, shaped as by `_by_group`."""
        width = self.kernel_size[1]
        channels = (matrices.shape[3] - self.use_bias) // width
        weights = matrices[:, :, :, : channels * width]
        return np.swapaxes(weights.reshape(*matrices.shape[:3], channels, width), 2, 3)


def _flat(matrices: Array) -> Array:
    """Return a view as (groups, filters of a group, numbers under the kernel)."""
    return matrices.reshape(*matrices.shape[:2], -1)


def _copies(stored: Array, images: Array, window: Window) -> Iterator[tuple[Array, Array]]:
    """Yield, for a column of the kernel, views of the stored rows and of the images it sees."""
    down, along = window.rows, window.columns
    channels = len(images) // len(stored)
    columns = stored[:, :, : channels * along.kernel]
    columns = columns.reshape(*stored.shape[:2], channels, along.kernel, *stored.shape[3:])
    numbers = images.reshape(len(stored), channels, *images.shape[1:])
    for rest in range(down.dilation):
        skipped = -((rest - down.before) // down.dilation)
        first = rest + skipped * down.dilation - down.before
        start = rest * (stored.shape[1] // down.dilation) + skipped
        seen_rows = numbers[:, :, first :: down.dilation]
        rows = columns[:, start : start + seen_rows.shape[2]].swapaxes(1, 2)
        for column, places, seen_columns in seen(along):
            yield rows[:, :, :, column, places], seen_rows[:, :, :, seen_columns]
