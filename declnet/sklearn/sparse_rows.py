"""Sparse matrices as samples, of which only a batch at a time is made dense."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from declnet import Array, Dataset, Dtype, MappedArray, Predictions, Predictor


class SparseRows(MappedArray):
    """The rows of a sparse matrix, with the array operations that training needs.

    Args:
        matrix: a matrix or array of SciPy (n, features), in any format.
    """

    def __init__(self, matrix: Any) -> None:
        self._matrix = csr_array(matrix)
        self.dtype, self.shape = self._matrix.dtype, self._matrix.shape
        self._row_bytes = self.shape[1] * self.dtype.itemsize

    def batch(self, size: int) -> tuple[Array, Callable[[Array], object]]:
        """Return memory for a batch (size, features), and what fills it with rows by position."""
        memory = np.empty((size, self.shape[1]), self.dtype)
        return memory, lambda positions: self._matrix[positions].toarray(out=memory)

    def subset(self, positions: Array) -> SparseRows:
        """Return the rows at the given positions, which are still sparse."""
        return SparseRows(self._matrix[positions])

    def astype(self, dtype: Dtype) -> SparseRows:
        """Return the same rows in another type."""
        return SparseRows(self._matrix.astype(dtype))

    def stored(self) -> Iterator[Array]:
        """Yield the arrays of the compressed rows, without zeros."""
        yield from (self._matrix.data, self._matrix.indices, self._matrix.indptr)


def dense_parts(x: Any, predictor: Predictor) -> Iterator[Dataset]:
    """Yield the rows of a sparse matrix in dense parts, which know their numbers."""
    members, size = predictor.members, predictor.samples_in_part
    if x.dtype.kind == "f" and not any(member.preparation.steps for member in members):
        with np.errstate(over="ignore"):
            converted = x.astype(np.result_type(*(member.model.dtype for member in members)))
        if np.isfinite(converted.data).all():  # else the model says which sample is wrong
            x = converted
    for start in range(0, x.shape[0], size):
        yield Dataset(x[start : start + size].toarray(), {}).numbered_from(1 + start)


def joined_predictions(parts: Sequence[Mapping[str, Predictions]]) -> Mapping[str, Predictions]:
    """Return the predictions of parts as one, by loss."""
    first, *others = parts
    if not others:
        return first
    joined = {}
    for loss, predictions in first.items():
        arrays: dict[str, Any] = {
            name: np.concatenate([vars(part[loss])[name] for part in parts])
            for name, array in vars(predictions).items()
            if isinstance(array, np.ndarray)
        }
        joined[loss] = replace(predictions, **arrays)
    return joined
