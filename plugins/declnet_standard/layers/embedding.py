"""The embedding of integers as trained vectors."""

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
)
from declnet_standard.initializers import Normal


class Embedding(Layer):
    """y = weights[x], a row of weights for each integer of x.

    x: integers (n, *shape) from 0 to categories - 1, the model's input; weights: (categories,
    units); y: (n, *shape, units). It works batch-first, where a row is contiguous.
    """

    type = "embedding"
    examples = ({"categories": 7, "units": 3},)
    example_shapes = ((4,), (2, 3), ())
    input_dtype = "integer"
    memory_order = "batch_first"
    input_order = "any"
    backward_needs = frozenset({"x"})
    output_range = OutputRange()

    categories: int = Field(ge=1, description="number of integers, counted from 0")
    units: int = Field(ge=1, description="length of each vector")
    weight_initializer: Initializer = Field(
        default=Normal(std=1.0), description="initial vectors (default: PyTorch's)"
    )
    weight_regularizer: Regularizer | None = Field(default=None, description="penalty on weights")

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (*shape, units)."""
        return (*input_shape, self.units)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return weights (categories, units)."""
        shape = (self.categories, self.units)
        return {"weights": Parameter(shape, self.weight_initializer, self.weight_regularizer)}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = weights[x]; raises ValueError if an integer is out of range."""
        if x.min() < 0 or x.max() >= self.categories:
            raise ValueError(
                f"the integers of x go from {x.min()} to {x.max()}, but there are "
                f"{self.categories} categories, 0 to {self.categories - 1}"
            )
        if y.flags.c_contiguous:
            np.take(state.weights, x, axis=0, out=y, mode="clip")
        else:
            np.copyto(y, state.weights[x])

    def backward(self, x: Array, y: None, dy: Array, dx: None, state: LayerState) -> None:
        """dweights[k] = sum of dy where x = k: sorted by x, then summed run by run."""
        order = np.argsort(x, axis=None, kind="stable")
        integers = x.reshape(-1)[order].astype(np.intp)
        starts = np.flatnonzero(np.diff(integers, prepend=-1))
        rows = dy.reshape(-1, self.units)[order]
        state.grad.weights[...] = 0
        state.grad.weights[integers[starts]] = np.add.reduceat(rows, starts, axis=0)
