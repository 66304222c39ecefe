"""The transposed convolution of images, which is conv2d's gradient as a layer."""

from functools import lru_cache
from math import prod
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from declnet import Array, LayerState, Parameter, Shape, Workspace
from declnet_plugins.standard.layers.conv2d import Conv2d, ImageConvolution
from declnet_plugins.standard.layers.window import Extras, Padding, Sizes, require_images


class Conv2dTranspose(ImageConvolution):
    """y[f, s * i + k, s * j + l] = biases[f] + sum over c of weights[c, f, k, l] * x[c, i, j].

    Terms for the same number of y add up, so with stride s, images become s times as large: the way
    back from a convolution, as in decoders. With dilation d it is y[f, s * i + d * k, …]. `padding`
    is cut off y on all sides, and `output_padding` adds rows below and columns to the right.

    x: (n, channels, height, width); weights: (channels, filters / groups, kernel height, kernel
    width); biases: (filters,); y: (n, filters, …), of height
    (height - 1) * stride - 2 * padding + dilation * (kernel height - 1) + 1 + output_padding, or
    height * stride with padding "same".

    It transposes the linear map C of a conv2d from y to x with these weights: y = C.T x + biases,
    dx = C dy, and dweights is that of the conv2d for the input dy and the gradient x.

    The same as PyTorch's `ConvTranspose2d` except for the initial weights and "same", which is
    Keras's. Keras has weights (kernel height, kernel width, filters, channels).

    Source: Zeiler et al., "Deconvolutional Networks", CVPR 2010; Dumoulin and Visin, "A Guide to
    Convolution Arithmetic for Deep Learning", 2016, arXiv:1603.07285.
    """

    type = "conv2d_transpose"
    examples = (
        {"filters": 3, "kernel_size": 2, "stride": 2},
        {"filters": 2, "kernel_size": 3, "stride": 2, "padding": "same"},
        {"filters": 4, "kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1},
        {"filters": 4, "kernel_size": [2, 3], "dilation": [2, 1], "groups": 2, "use_bias": False},
    )
    other_types = ("ConvTranspose2d", "deconv")
    example_shapes = ((4, 4, 3),)
    backward_needs = frozenset({"x"})

    stride: Sizes = Field(default=(1, 1), description="about how many times as large y is")
    padding: Padding = Field(
        default=(0, 0),
        description='what is cut off: "valid" (0), "same" (size * stride remains), a number, or '
        "[above and below, left and right]",
    )
    output_padding: Extras = Field(
        default=(0, 0), description="rows and columns added at the end; less than stride"
    )

    @model_validator(mode="after")
    def _output_padding_fits(self) -> Self:
        extra, stride = self.output_padding, self.stride
        if any(more >= step for more, step in zip(extra, stride, strict=True) if more):
            raise ValueError(
                f"output_padding {list(extra)} must be less than stride {list(stride)}"
            )
        if self.padding == "same" and any(extra):
            raise ValueError('output_padding has no effect with padding "same"; leave it out')
        return self

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (filters, height, width); raise ValueError unless the input is images that fit."""
        require_images(self.type, input_shape)
        if input_shape[0] % self.groups:
            raise ValueError(f"{self.groups} groups do not divide {input_shape[0]} channels")
        height, width = (self._length(axis, size) for axis, size in enumerate(input_shape[1:]))
        if height < 1 or width < 1:
            raise ValueError(
                f"padding {self.padding} cuts off all of the images that {input_shape} would give"
            )
        return (self.filters, height, width)

    def _length(self, axis: int, size: int) -> int:
        stride = self.stride[axis]
        if self.padding == "same":
            return size * stride
        cut = 0 if isinstance(self.padding, str) else 2 * self.padding[axis]
        extent = (self.kernel_size[axis] - 1) * self.dilation[axis] + 1
        return (size - 1) * stride - cut + extent + self.output_padding[axis]

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return weights (channels, filters / groups, height, width) and biases (filters,)."""
        channels, field = input_shape[0], prod(self.kernel_size)
        weights = self.weights(
            (channels, self.filters // self.groups, *self.kernel_size),
            fan_in=channels // self.groups * field,
            fan_out=self.filters * field,
        )
        return {"weights": weights, **self.biases((self.filters,))}

    def numpy_calls(self, input_shape: Shape) -> int:
        """Return the calls for each row of inputs and for the weights."""
        return 20 + 6 * input_shape[1]

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return the workspace of the convolution."""
        return self._convolution(input_shape[0]).workspace(self.output_shape(input_shape))

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = C.T x + biases."""
        convolution = self._convolution(x.shape[1])
        convolution.store_weights(state)
        convolution.spread(x, y, state)
        if self.use_bias:
            np.add(y, state.biases[:, None, None], out=y)

    def backward(self, x: Array, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = C dy, dbiases = the sum of dy, dweights as in C with dy as input, x as slopes."""
        convolution = self._convolution(x.shape[1])
        convolution.store_rows(dy, state)
        convolution.fill_gradient(x, state)
        if self.use_bias:
            np.add.reduce(dy, axis=(0, 2, 3), out=state.grad.biases)
        if dx is not None:
            convolution.convolve(dx, state)

    def _convolution(self, channels: int) -> Conv2d:
        """Return C, which has a filter for each channel of x, and no biases."""
        return _convolution(
            channels, self.kernel_size, self.stride, self.padding, self.dilation, self.groups
        )


@lru_cache(maxsize=256)
def _convolution(
    filters: int,
    kernel_size: tuple[int, int],
    stride: tuple[int, int],
    padding: str | tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> Conv2d:
    return Conv2d(
        filters=filters,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        use_bias=False,
    )
