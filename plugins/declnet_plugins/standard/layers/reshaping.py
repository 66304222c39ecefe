"""Layers that keep the numbers of a sample and change its shape."""

from math import prod

import numpy as np
from pydantic import Field

from declnet import Array, Layer, LayerState, Shape


class _SameNumbers(Layer):
    """y = x in another shape, the last axis fastest. Free of cost: x and y share memory."""

    backward_needs = frozenset()
    only_reshapes = True
    memory_order = "any"
    output_range = "input"
    is_linear = True

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = x."""
        np.copyto(y, x.reshape(y.shape))

    def backward(self, x: None, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy."""
        if dx is not None:
            np.copyto(dx, dy.reshape(dx.shape))


class Flatten(_SameNumbers):
    """y = x as (n, features): between images and dense layers.

    Numbers are in the order of the axes, the last one fastest. Free of cost: x and y share memory.
    """

    type = "flatten"

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (features,)."""
        return (prod(input_shape),)


class Reshape(_SameNumbers):
    """y = x in another shape, the last axis fastest: from rows of a table to images, say.

    Free of cost: x and y share memory.
    """

    type = "reshape"
    examples = ({"shape": [3, 4]}, {"shape": [2, -1, 2]})
    example_shapes = ((12,), (4, 3))

    shape: tuple[int, ...] = Field(
        min_length=1,
        description="shape of a sample, without the batch axis; one size may be -1, inferred",
    )

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape with -1 resolved; raise ValueError if the numbers do not fill it."""
        if any(size < 1 and size != -1 for size in self.shape) or self.shape.count(-1) > 1:
            raise ValueError(f"sizes are at least 1, or -1 once, not {list(self.shape)}")
        known = prod(size for size in self.shape if size != -1)
        rest = prod(input_shape) // known
        shape = tuple(rest if size == -1 else size for size in self.shape)
        if prod(shape) != prod(input_shape):
            raise ValueError(
                f"{prod(input_shape)} numbers per sample do not fit the shape {list(self.shape)}"
            )
        return shape
