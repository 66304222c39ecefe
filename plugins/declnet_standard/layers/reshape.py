"""The numbers of a sample in another shape."""

from math import prod

import numpy as np
from pydantic import Field

from declnet import Array, Layer, LayerState, Shape


class Reshape(Layer):
    """y = x in another shape, the last axis fastest: from rows of a table to images, say.

    Free of cost: x and y share memory.
    """

    type = "reshape"
    examples = ({"shape": [3, 4]}, {"shape": [2, -1, 2]})
    example_shapes = ((12,), (4, 3))
    backward_needs = frozenset()
    only_reshapes = True
    memory_order = "any"
    output_range = "input"
    is_linear = True

    shape: tuple[int, ...] = Field(
        min_length=1,
        description="of a sample, without the batch axis; one size may be -1: the rest",
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

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = x."""
        np.copyto(y, x.reshape(y.shape))

    def backward(self, x: None, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy."""
        if dx is not None:
            np.copyto(dx, dy.reshape(dx.shape))
