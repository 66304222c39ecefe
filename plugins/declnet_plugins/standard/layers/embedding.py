"""The embedding of integers as trained vectors."""

from functools import lru_cache
from typing import Any, Self

import numpy as np
from pydantic import Field, PrivateAttr

from declnet import (
    Array,
    Initializer,
    InputInfo,
    IntegerLimit,
    Layer,
    LayerState,
    OutputRange,
    Parameter,
    Regularizer,
    Shape,
    Workspace,
)
from declnet_plugins.standard.initializers import Normal
from declnet_plugins.standard.layers import other_keys


class Embedding(Layer):
    """y = weights[x], a row of weights for each integer of x.

    x: integers (n, *shape), the model's input; weights: (categories, units);
    y: (n, *shape, units).

    With `categories`, all numbers of x share one vocabulary, as the words of a text do. Without it,
    its size comes from the data preparation: one for all if `tokenize` found it; otherwise each
    number of a sample has its own, as the columns of a table do, with as many rows of weights as
    `ordinal` found categories. It works batch-first: a row is contiguous.
    """

    type = "embedding"
    examples = ({"categories": 7, "units": 3}, {"units": 8, "inputs": ["input.categories"]})
    other_types = ("embed",)
    other_keys = other_keys.EMBEDDING
    example_shapes = ((4,), (2, 3), ())
    input_dtype = "integer"
    memory_order = "batch_first"
    input_order = "any"
    backward_needs = frozenset({"x"})
    output_range = OutputRange()

    categories: int | None = Field(
        default=None,
        ge=1,
        description="number of integers, counted from 0, in one vocabulary for all numbers of x; "
        "default: each has its own, of the levels that the data preparation found",
    )
    units: int = Field(ge=1, description="length of each vector")
    weight_initializer: Initializer = Field(
        default=Normal(std=1.0), description="initial vectors (default: PyTorch's)"
    )
    weight_regularizer: Regularizer | None = Field(default=None, description="penalty on weights")

    _levels: tuple[int, ...] | None = PrivateAttr(default=None)

    def with_input_info(self, inputs: tuple[InputInfo, ...]) -> Self:
        """Return a layer with a vocabulary for each number, unless there is one for all."""
        (info,) = inputs
        if self.categories is not None:
            if (info.vocabulary or 0) > self.categories:
                raise ValueError(
                    f"its input has a vocabulary of {info.vocabulary}, but categories = "
                    f"{self.categories}; without it, the layer takes the vocabulary's size"
                )
            most = max(info.levels or (0,))
            if most > self.categories:
                raise ValueError(
                    f"its input has up to {most} levels, but categories = {self.categories}; "
                    "without it, each column gets as many as it has levels"
                )
            return self
        if info.dtype != "integer":
            raise ValueError(
                "takes integers, but its input holds floats; let ordinal be the last transform "
                "of its columns in data.prepare"
            )
        if info.levels is None and info.vocabulary is None:
            raise ValueError(
                "the number of categories is unknown; add categories, or let ordinal number its "
                "columns in data.prepare"
            )
        other = self.model_copy()
        other._levels = info.levels or (info.vocabulary or 1,)
        return other

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (*shape, units)."""
        return (*input_shape, self.units)

    def integer_limits(self, input_shape: Shape) -> tuple[IntegerLimit | None, ...]:
        """Return the last of the categories, unless each number has its own vocabulary."""
        if self._has_several or (self.categories is None and self._levels is None):
            return ()
        most = self.categories or max(self._levels or (1,))
        return (IntegerLimit(most - 1, f"there are {most} categories"),)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return weights (categories, units); several vocabularies follow each other."""
        shape = (self.categories or sum(self._levels or (1,)), self.units)
        return {"weights": Parameter(shape, self.weight_initializer, self.weight_regularizer)}

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return space for the rows of weights that x stands for, if there are vocabularies."""
        return {"rows": Workspace(input_shape, dtype=np.intp)} if self._has_several else {}

    def vocabularies(self, shape: Shape) -> tuple[Array, Array]:
        """Return the size of the vocabulary of each number of a sample, and its first row."""
        if self._has_several:
            return _vocabularies(self._levels or (), shape)
        (rows, _) = self.parameters(shape)["weights"].shape
        return np.full(shape, rows), np.zeros(shape, np.intp)

    @property
    def _has_several(self) -> bool:
        return self.categories is None and len(self._levels or ()) > 1

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = weights[x]; raises ValueError if an integer is not in its own vocabulary."""
        rows = self._rows(x, state)
        if y.flags.c_contiguous:
            np.take(state.weights, rows, axis=0, out=y, mode="clip")
        else:
            np.copyto(y, state.weights[rows])

    def _rows(self, x: Array, state: LayerState) -> Array:
        """Return the row of weights for each integer."""
        if not self._has_several:
            return x  # within integer_limits
        levels, starts = _vocabularies(self._levels or (), x.shape[1:])
        if x.min() < 0 or (x >= levels).any():
            for index in np.ndindex(x.shape[1:]):
                _require_within(x[(slice(None), *index)], int(levels[index]))
        np.add(x, starts, out=state.rows, casting="unsafe")
        return state.rows

    def backward(self, x: Array, y: None, dy: Array, dx: None, state: LayerState) -> None:
        """dweights[k] = sum of dy where x = k: sorted by x, then summed run by run."""
        x = state.rows if self._has_several else x  # as forward filled them
        order = np.argsort(x, axis=None, kind="stable")
        integers = x.reshape(-1)[order].astype(np.intp)
        starts = np.flatnonzero(np.diff(integers, prepend=-1))
        rows = dy.reshape(-1, self.units)[order]
        state.grad.weights[...] = 0
        state.grad.weights[integers[starts]] = np.add.reduceat(rows, starts, axis=0)


@lru_cache(maxsize=64)
def _vocabularies(levels: tuple[int, ...], shape: Shape) -> tuple[Any, Any]:
    """Return the size of each number's vocabulary and its first row of weights, to read only."""
    sizes = np.array(levels).reshape(shape)
    starts = np.cumsum([0, *levels[:-1]]).reshape(shape)
    sizes.flags.writeable = starts.flags.writeable = False
    return sizes, starts


def _require_within(x: Array, categories: int) -> None:
    if x.min() < 0 or x.max() >= categories:
        raise ValueError(
            f"the integers of x go from {x.min()} to {x.max()}, but there are {categories} "
            f"categories, 0 to {categories - 1}"
        )
