"""From a data set's y to what a loss compares with, for the three sorts of targets."""

from __future__ import annotations

from math import prod

import numpy as np

from declnet.components.arrays import Array, Dtype, Shape


def prepare_targets(targets: str, y: Array, output_shape: Shape, dtype: Dtype) -> Array:
    """Converts y by the sort of targets that a loss declares.

    Raises:
        ValueError: y does not fit predictions of that shape.
    """
    if targets == "classes":
        return one_hot(y, output_shape, dtype)
    values = _shaped_as_predictions(y, output_shape, dtype)
    if targets == "binary" and not np.isin(values, (0, 1)).all():
        raise ValueError(f"binary targets are 0 and 1, but y has {_first_other(values)}")
    return values


def one_hot(y: Array, output_shape: Shape, dtype: Dtype) -> Array:
    """Labels as rows of (n, classes) with a single 1; rows that are one-hot already are checked.

    Raises:
        ValueError: labels are not integers from 0 to classes - 1, or rows are not one-hot.
    """
    if len(output_shape) != 1:
        raise ValueError(f"class labels need a last layer of shape (classes,), not {output_shape}")
    classes = output_shape[0]
    if y.ndim == 2 and y.shape[1] != 1:
        if y.shape[1] != classes:
            raise ValueError(
                f"y is one-hot with {y.shape[1]} classes, the last layer has {classes}"
            )
        rows = y.astype(dtype)
        if not (np.isin(rows, (0, 1)).all() and (rows.sum(axis=1) == 1).all()):
            raise ValueError("y has two axes, but its rows are not one-hot (one 1, the others 0)")
        return rows
    labels = y.reshape(-1) if y.ndim == 2 else y
    if labels.ndim != 1 or labels.dtype.kind not in "iub":
        raise ValueError(f"class labels are integers, but y is {y.dtype} of shape {y.shape[1:]}")
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        raise ValueError(
            f"labels range from {labels.min()} to {labels.max()}, but the last layer has {classes} "
            f"unit{'s' if classes != 1 else ''}, for the labels 0 to {classes - 1}"
        )
    rows = np.zeros((len(labels), classes), dtype)
    rows[np.arange(len(labels)), labels.astype(np.intp)] = 1
    return rows


def _shaped_as_predictions(y: Array, output_shape: Shape, dtype: Dtype) -> Array:
    if y.shape[1:] != output_shape and not (y.ndim == 1 and prod(output_shape) == 1):
        raise ValueError(f"y has shape {y.shape[1:]} a sample, the model's output {output_shape}")
    return y.astype(dtype).reshape(len(y), *output_shape)


def _first_other(values: Array) -> str:
    return str(values[~np.isin(values, (0, 1))].flat[0])
