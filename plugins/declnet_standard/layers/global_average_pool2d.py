"""The mean of each channel."""

import numpy as np

from declnet import Array, Layer, LayerState, Shape, Workspace


class GlobalAveragePool2d(Layer):
    """y[c] = the mean of x[c, i, j] over all places i, j.

    x: (n, channels, height, width); y: (n, channels). dx = dy / (height * width), everywhere.

    Keras's `GlobalAveragePooling2D`; PyTorch's `AdaptiveAvgPool2d(1)` with `Flatten`.

    Source: Lin, Chen and Yan, "Network in Network", 2013, arXiv:1312.4400.
    """

    type = "global_average_pool2d"
    example_shapes = ((3, 4, 5), (2, 1, 1))
    backward_needs = frozenset()
    output_range = "input"
    is_linear = True

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (channels,); raise ValueError unless the input is images."""
        if len(input_shape) != 3:
            raise ValueError(
                f"global_average_pool2d takes images (channels, height, width), not {input_shape}"
            )
        return input_shape[:1]

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
