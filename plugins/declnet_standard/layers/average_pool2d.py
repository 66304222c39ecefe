"""The mean of each window."""

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from declnet import Array, Layer, LayerState, Shape, Workspace
from declnet_standard.layers.batch_last import batch_last
from declnet_standard.layers.small_buffer import small_buffer
from declnet_standard.layers.window import Window, positions, window_over
from declnet_standard.layers.window_fields import Padding, Sizes, require_small_padding


class AveragePool2d(Layer):
    """y[c, i, j] = the mean of x[c, s * i + k, s * j + l] over the window's positions k, l.

    x: (n, channels, height, width); y: (n, channels, …); s is the stride. Padding is 0 and counts:
    the sum is always divided by the number of positions. dx = the sum of dy / positions over the
    windows that cover it.

    Equivalent to PyTorch's `AvgPool2d`, whose default is `count_include_pad=True`. Keras's
    `AveragePooling2D(padding="same")` excludes padding from the mean. `ceil_mode` is not supported.
    """

    type = "average_pool2d"
    examples = (
        {"pool_size": 2},
        {"pool_size": 3, "stride": 2, "padding": 1},
        {"pool_size": [2, 3], "stride": 1, "padding": "same"},
    )
    example_shapes = ((2, 6, 6), (3, 7, 5))
    backward_needs = frozenset()
    output_range = "input"
    is_linear = True

    pool_size: Sizes = Field(description="of the window: a number, or [height, width]")
    stride: Sizes | None = Field(
        default=None, description="how far the window moves at a time; default: pool_size"
    )
    padding: Padding = Field(
        default=(0, 0),
        description='zeros around x: "valid" (0), "same" (ceil(size / stride) outputs), a number, '
        "or [above and below, left and right]; at most half of pool_size",
    )

    @model_validator(mode="after")
    def _no_window_in_padding(self) -> Self:
        require_small_padding(self.pool_size, self.padding)
        return self

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (channels, height, width); raise ValueError unless images that fit are given."""
        window = self._window(input_shape)
        return (input_shape[0], *window.output)

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

    def _window(self, shape: Shape) -> Window:
        stride = self.stride or self.pool_size
        return window_over(self.type, shape, self.pool_size, stride, self.padding)
