"""Pooling of images: the maximum or mean of each window, or of each channel."""

from math import prod
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from declnet import Array, Layer, LayerState, Shape, Workspace
from declnet_plugins.standard.layers.window import (
    Padding,
    Sizes,
    Window,
    batch_last,
    positions,
    require_images,
    small_buffer,
    window_over,
)


class _Pool2d(Layer):
    """A pool over windows."""

    examples = (
        {"pool_size": 2},
        {"pool_size": 3, "stride": 2, "padding": 1},
        {"pool_size": [2, 3], "stride": 1, "padding": "same"},
    )
    other_keys = {"kernel_size": "pool_size", "size": "pool_size", "strides": "stride"}
    example_shapes = ((2, 6, 6), (3, 7, 5))
    backward_needs = frozenset()
    output_range = "input"

    pool_size: Sizes = Field(description="size of the window: a number, or [height, width]")
    stride: Sizes | None = Field(
        default=None, description="how far the window moves at a time; default: pool_size"
    )
    padding: Padding = Field(
        default=(0, 0),
        description='around x: "valid" (0), "same" (ceil(size / stride) outputs), a number, or '
        "[above and below, left and right]; at most half of pool_size",
    )

    @model_validator(mode="after")
    def _no_window_in_padding(self) -> Self:
        """Raise ValueError if a window could see only padding."""
        if not isinstance(self.padding, str) and any(
            2 * width > size for width, size in zip(self.padding, self.pool_size, strict=True)
        ):
            raise ValueError(
                f"padding is at most half of pool_size {list(self.pool_size)}, "
                f"not {list(self.padding)}"
            )
        return self

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (channels, height, width); raise ValueError unless images that fit are given."""
        window = self._window(input_shape)
        return (input_shape[0], *window.output)

    def _window(self, shape: Shape) -> Window:
        stride = self.stride or self.pool_size
        return window_over(self.type, shape, self.pool_size, stride, self.padding)


class MaxPool2d(_Pool2d):
    """y[c, i, j] = the maximum of x[c, s * i + k, s * j + l] over the window's positions k, l.

    x: (n, channels, height, width); y: (n, channels, …); s is the stride. Padding is -inf, so it
    is never the maximum. dx = dy at the maximum, the first in the window (row by row) if there are
    several, and 0 elsewhere.

    Equivalent to PyTorch's `MaxPool2d` and, with "valid" and "same", to Keras's `MaxPooling2D`
    ("same" gives ceil(size / stride) outputs). Dilation and `ceil_mode` are not supported.
    """

    type = "max_pool2d"
    other_types = ("max_pool", "max_pooling", "max_pooling_2d")

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for each maximum's position in its window: few bytes per output."""
        shape = self.output_shape(input_shape)
        count = self.pool_size[0] * self.pool_size[1]
        workspace = {
            "position": Workspace(shape, dtype=np.min_scalar_type(count - 1)),
            "later": Workspace(shape, dtype=np.min_scalar_type(count - 1)),
            "mask": Workspace(shape, dtype=bool),
        }
        tiles = self._window(input_shape).tiles
        return workspace if tiles else workspace | {"part": Workspace(shape)}

    def numpy_calls(self, input_shape: Shape) -> int:
        """Return the calls for each position in the window."""
        return 8 + 7 * prod(self.pool_size)

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """Take the running maximum over positions and, in training, record where it is."""
        images, largest = batch_last(x), batch_last(y)
        position, later, mask = (
            batch_last(array) for array in (state.position, state.later, state.mask)
        )
        largest.fill(-np.inf)
        position.fill(0)
        with small_buffer():
            for index, places, seen in positions(self._window(x.shape[1:])):
                if state.training and index:
                    np.greater(images[seen], largest[places], out=mask[places])
                    number = position.dtype.type(index)
                    np.multiply(mask[places].view(np.uint8), number, out=later[places])
                    np.maximum(position[places], later[places], out=position[places])
                np.maximum(largest[places], images[seen], out=largest[places])

    def backward(self, x: None, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy at the maximum's position, summed where windows overlap."""
        if dx is None:
            return
        window = self._window(dx.shape[1:])
        images, gradient = batch_last(dx), batch_last(dy)
        position, mask = batch_last(state.position), batch_last(state.mask)
        if not window.tiles:
            images.fill(0)
        with small_buffer():
            for index, places, seen in positions(window):
                np.equal(position[places], index, out=mask[places])
                if window.tiles:
                    np.multiply(gradient, mask, out=images[seen])
                else:
                    part = batch_last(state.part)[places]
                    np.multiply(gradient[places], mask[places], out=part)
                    np.add(images[seen], part, out=images[seen])


class AveragePool2d(_Pool2d):
    """y[c, i, j] = the mean of x[c, s * i + k, s * j + l] over the window's positions k, l.

    x: (n, channels, height, width); y: (n, channels, …); s is the stride. Padding is 0 and counts:
    the sum is always divided by the number of positions. dx = the sum of dy / positions over the
    windows that cover it.

    Equivalent to PyTorch's `AvgPool2d`, whose default is `count_include_pad=True`. Keras's
    `AveragePooling2D(padding="same")` excludes padding from the mean. `ceil_mode` is not supported.
    """

    type = "average_pool2d"
    other_types = ("avg_pool2d", "avg_pool", "average_pooling", "average_pooling_2d")
    is_linear = True

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for the gradient of one position."""
        return {"part": Workspace(self.output_shape(input_shape))}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """Add up the window's positions and divide by their number."""
        images, means = batch_last(x), batch_last(y)
        means.fill(0)
        with small_buffer():
            for _, places, seen in positions(self._window(x.shape[1:])):
                np.add(means[places], images[seen], out=means[places])
        np.multiply(y, 1 / (self.pool_size[0] * self.pool_size[1]), out=y)

    def backward(self, x: None, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = the sum of dy / positions over the windows."""
        if dx is None:
            return
        window, images, part = self._window(dx.shape[1:]), batch_last(dx), batch_last(state.part)
        np.multiply(dy, 1 / (self.pool_size[0] * self.pool_size[1]), out=state.part)
        if not window.tiles:
            images.fill(0)
        with small_buffer():
            for _, places, seen in positions(window):
                if window.tiles:
                    np.copyto(images[seen], part)
                else:
                    np.add(images[seen], part[places], out=images[seen])


class _GlobalPool2d(Layer):
    """A number for each channel of images."""

    example_shapes = ((3, 4, 5), (2, 1, 1))
    output_range = "input"

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (channels,); raise ValueError unless the input is images."""
        require_images(self.type, input_shape)
        return input_shape[:1]


class GlobalAveragePool2d(_GlobalPool2d):
    """y[c] = the mean of x[c, i, j] over all places i, j.

    x: (n, channels, height, width); y: (n, channels). dx = dy / (height * width), everywhere.

    Keras's `GlobalAveragePooling2D`; PyTorch's `AdaptiveAvgPool2d(1)` with `Flatten`.

    Source: Lin, Chen and Yan, "Network in Network", 2013, arXiv:1312.4400.
    """

    type = "global_average_pool2d"
    other_types = ("global_avg_pool", "global_average_pooling_2d")
    backward_needs = frozenset()
    is_linear = True

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for one number per channel."""
        return {"part": Workspace(input_shape[:1])}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = sum(x) / places."""
        np.add.reduce(x, axis=(2, 3), out=y)
        np.multiply(y, 1 / (x.shape[2] * x.shape[3]), out=y)

    def backward(self, x: None, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy / places."""
        if dx is not None:
            np.multiply(dy, 1 / (dx.shape[2] * dx.shape[3]), out=state.part)
            np.copyto(dx, state.part[:, :, None, None])


class GlobalMaxPool2d(_GlobalPool2d):
    """y[c] = the maximum of x[c, i, j] over all places i, j.

    x: (n, channels, height, width); y: (n, channels). dx = dy at the maximum and 0 elsewhere;
    several places with the maximum share dy equally.

    Keras's `GlobalMaxPooling2D` and PyTorch's `amax(dim=(2, 3))`; PyTorch's `AdaptiveMaxPool2d(1)`
    gives dy to one of several maxima.
    """

    type = "global_max_pool2d"
    other_types = ("global_max_pool", "global_max_pooling_2d")

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for a mask of the maxima, and for their number per channel."""
        return {"mask": Workspace(input_shape, dtype=bool), "part": Workspace(input_shape[:1])}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = max(x)."""
        np.maximum.reduce(x, axis=(2, 3), out=y)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy / number of maxima, at the maxima."""
        if dx is not None:
            mask, part = state.mask, state.part
            np.equal(x, y[:, :, None, None], out=mask)
            np.add.reduce(mask, axis=(2, 3), dtype=part.dtype, out=part)
            np.maximum(part, 1, out=part)  # 0 for NaN
            np.divide(dy, part, out=part)
            np.multiply(mask, part[:, :, None, None], out=dx)
