"""Layers with several inputs: their sum, product and concatenation."""

from itertools import accumulate, pairwise

import numpy as np
from pydantic import Field

from declnet import Array, Arrays, Gradients, Layer, LayerState, Shape


class Add(Layer):
    """y = x_1 + x_2 + …, element by element: what closes a residual block.

    x: one or more arrays of the same shape, named by `inputs`.
    """

    type = "add"
    other_types = ("sum",)
    n_inputs = None
    backward_needs = frozenset()
    memory_order = "any"
    is_linear = True
    adds_inputs = True

    def forward(self, x: Arrays, y: Array, state: LayerState) -> None:
        """y = sum of x."""
        np.copyto(y, x[0])
        for other in x[1:]:
            np.add(y, other, out=y)

    def backward(self, x: None, y: None, dy: Array, dx: Gradients, state: LayerState) -> None:
        """dx_i = dy."""
        for gradient in dx:
            if gradient is not None:
                np.copyto(gradient, dy)


class Multiply(Layer):
    """y = x_1 * x_2 * …, element by element: a gate.

    x: one or more arrays of the same shape, named by `inputs`.
    """

    type = "multiply"
    n_inputs = None
    backward_needs = frozenset({"x"})
    memory_order = "any"

    def forward(self, x: Arrays, y: Array, state: LayerState) -> None:
        """y = product of x."""
        np.copyto(y, x[0])
        for other in x[1:]:
            np.multiply(y, other, out=y)

    def backward(self, x: Arrays, y: None, dy: Array, dx: Gradients, state: LayerState) -> None:
        """dx_i = dy * product of all x but x_i."""
        for position, gradient in enumerate(dx):
            if gradient is not None:
                np.copyto(gradient, dy)
                for other in (*x[:position], *x[position + 1 :]):
                    np.multiply(gradient, other, out=gradient)


class Concatenate(Layer):
    """y = x_1, x_2, … joined along an axis of the sample: features, or channels of images.

    x: one or more arrays, named by `inputs`, of the same shape except for that axis.
    """

    type = "concatenate"
    other_types = ("cat", "concat")
    other_keys = {"dim": "axis"}
    example_shapes = (((3,), (2,)), ((2, 4, 3), (1, 4, 3), (3, 4, 3)))
    n_inputs = None
    backward_needs = frozenset({"x"})  # for the sizes of its parts
    memory_order = "any"
    is_linear = True

    axis: int = Field(default=0, ge=0, description="axis of the sample, from 0")

    def output_shape(self, input_shape: tuple[Shape, ...]) -> Shape:
        """Return the shape with sizes along the axis summed; raise ValueError if others differ."""
        first = input_shape[0]
        if self.axis >= len(first):
            raise ValueError(f"axis {self.axis} is not in samples of shape {first}")
        rest = {(*shape[: self.axis], *shape[self.axis + 1 :]) for shape in input_shape}
        if len(rest) > 1 or any(len(shape) != len(first) for shape in input_shape):
            raise ValueError(f"inputs may differ only in axis {self.axis}, but are {input_shape}")
        total = sum(shape[self.axis] for shape in input_shape)
        return (*first[: self.axis], total, *first[self.axis + 1 :])

    def forward(self, x: Arrays, y: Array, state: LayerState) -> None:
        """Copy each input to its place."""
        for part, array in zip(self._parts(y, x), x, strict=True):
            np.copyto(part, array)

    def backward(self, x: Arrays, y: None, dy: Array, dx: Gradients, state: LayerState) -> None:
        """dx_i = the part of dy that came from x_i."""
        for part, gradient in zip(self._parts(dy, x), dx, strict=True):
            if gradient is not None:
                np.copyto(gradient, part)

    def _parts(self, joined: Array, x: Arrays) -> list[Array]:
        axis = self.axis + 1
        ends = [0, *accumulate(array.shape[axis] for array in x)]
        by_part = np.moveaxis(joined, axis, 0)
        return [np.moveaxis(by_part[start:end], 0, axis) for start, end in pairwise(ends)]
