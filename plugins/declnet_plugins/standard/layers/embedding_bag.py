"""The embedding of a text as a weighted sum of the vectors of its words."""

from typing import Self

import numpy as np
from pydantic import Field, PrivateAttr

from declnet import (
    Array,
    Arrays,
    Gradients,
    Initializer,
    InputInfo,
    IntegerLimit,
    LayerState,
    OutputRange,
    Parameter,
    Shape,
    Workspace,
)
from declnet_plugins.standard.initializers import Normal
from declnet_plugins.standard.layers import other_keys
from declnet_plugins.standard.layers.affine import AffineLayer


class EmbeddingBag(AffineLayer):
    """y = sum over j of scores[j] * weights[x[j]] + biases.

    x: integers (n, slots) and their scores, floats (n, slots), such as the words of a text and
    their TF-IDF, which `tokenize` gives with `weights`; weights: (categories, units); biases:
    (units,); y: (n, units). dx: dscores[j] = dy @ weights[x[j]]; dweights[k] = the sum of
    scores[j] * dy where x[j] = k; dbiases = the sum of dy.

    With as many units as there are classes and softmax, it is logistic regression of the scores. A
    slot with score 0, such as padding, takes no time. PyTorch's `EmbeddingBag` with
    `mode="sum"` and `per_sample_weights`.
    """

    type = "embedding_bag"
    examples = (
        {"categories": 7, "units": 3, "inputs": ["input.text", "input.text_weights"]},
        {"units": 2, "use_bias": False, "inputs": ["input", "input.weights"]},
    )
    other_keys = {**other_keys.EMBEDDING, **other_keys.AFFINE}
    example_shapes = (((6,), (6,)), ((1,), (1,)))
    n_inputs = 2
    input_dtype = ("integer", "float")
    memory_order = "batch_first"
    input_order = "any"
    backward_needs = frozenset({"x"})
    output_range = OutputRange()

    categories: int | None = Field(
        default=None,
        ge=1,
        description="number of integers, counted from 0; default: as the data preparation found",
    )
    units: int = Field(ge=1, description="length of each vector")
    weight_initializer: Initializer = Field(
        default=Normal(std=1.0), description="initial vectors (default: PyTorch's)"
    )

    _vocabulary: int | None = PrivateAttr(default=None)

    def with_input_info(self, inputs: tuple[InputInfo, ...]) -> Self:
        """Return a layer with a row of weights for each integer of the vocabulary."""
        known = inputs[0].vocabulary or max(inputs[0].levels or (0,)) or None
        if self.categories is None and known is None:
            raise ValueError(
                "the number of categories is unknown; add categories, or let tokenize number its "
                "column in data.prepare"
            )
        if self.categories is not None and (known or 0) > self.categories:
            raise ValueError(
                f"its input has a vocabulary of {known}, but categories = {self.categories}; "
                "without it, the layer takes the vocabulary's size"
            )
        other = self.model_copy()
        other._vocabulary = self.categories or known
        return other

    @property
    def _rows(self) -> int:
        return self._vocabulary or self.categories or 1

    def output_shape(self, input_shape: tuple[Shape, ...]) -> Shape:
        """Return (units,)."""
        integers, scores = input_shape
        if len(integers) != 1 or integers != scores:
            raise ValueError(
                f"{self.type} takes integers (slots,) and as many scores, not {integers} and "
                f'{scores}; with weights = "tf_idf", tokenize gives both: inputs = '
                '["input.text", "input.text_weights"]'
            )
        return (self.units,)

    def integer_limits(self, input_shape: tuple[Shape, ...]) -> tuple[IntegerLimit | None, ...]:
        """Return the last of the categories."""
        if self._vocabulary is None and self.categories is None:
            return ()
        return (IntegerLimit(self._rows - 1, f"there are {self._rows} categories"), None)

    def parameters(self, input_shape: tuple[Shape, ...]) -> dict[str, Parameter]:
        """Return weights (categories, units) and biases (units,)."""
        return {"weights": self.weights((self._rows, self.units)), **self.biases((self.units,))}

    def workspace(self, input_shape: tuple[Shape, ...]) -> dict[str, Workspace]:
        """Return space for which slots count."""
        return {"is_used": Workspace(input_shape[1], dtype=bool)}

    def forward(self, x: Arrays, y: Array, state: LayerState) -> None:
        """y[i] = the sum of scores[i, j] * weights[x[i, j]] where the score is not 0, + biases."""
        y[...] = state.biases if self.use_bias else 0
        sample, rows, scores = self._used(x, state)
        starts = np.flatnonzero(np.diff(sample, prepend=-1))
        terms = np.take(state.weights, rows, axis=0)
        np.multiply(terms, scores[:, None], out=terms)
        y[sample[starts]] += np.add.reduceat(terms, starts, axis=0)

    def _used(self, x: Arrays, state: LayerState) -> tuple[Array, Array, Array]:
        """Return the sample, the integer and the score of each slot whose score is not 0."""
        np.not_equal(x[1], 0, out=state.is_used)
        sample, slot = np.nonzero(state.is_used)
        return sample, x[0][sample, slot], x[1][sample, slot]

    def backward(self, x: Arrays, y: None, dy: Array, dx: Gradients, state: LayerState) -> None:
        """dweights[k] = sum of scores * dy where x = k: sorted by x, then summed run by run."""
        if dx[1] is not None:
            np.einsum("nu,nsu->ns", dy, state.weights[x[0]], out=dx[1])
        sample, rows, scores = self._used(x, state)
        order = np.argsort(rows, kind="stable")
        rows = rows[order].astype(np.intp)
        starts = np.flatnonzero(np.diff(rows, prepend=-1))
        terms = dy[sample[order]]
        np.multiply(terms, scores[order][:, None], out=terms)
        state.grad.weights[...] = 0
        state.grad.weights[rows[starts]] = np.add.reduceat(terms, starts, axis=0)
        if self.use_bias:
            np.sum(dy, axis=0, out=state.grad.biases)
