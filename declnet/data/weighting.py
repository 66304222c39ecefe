"""How much each sample counts in the loss: by its class, and by a column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from declnet.components.arrays import Array
from declnet.components.data_source import Dataset
from declnet.components.table import Table
from declnet.data.feature_columns import require_column
from declnet.errors import DataError
from declnet.registry.spelling import suggestion

Balance = Literal["balanced"] | Mapping[str, float]

AT_CLASSES = ("data", "class_weights")
AT_SAMPLES = ("data", "sample_weights")


def weights_of_classes(train: Dataset, balance: Balance) -> Array:
    """A weight for each class (classes,).

    Args:
        train: the training data, whose y is labels or one-hot rows.
        balance: the weights by the classes' names (1 for those that are not there), or
            `"balanced"`: n / (classes * samples of the class), so that all classes count alike.

    Raises:
        DataError: y is not classes, or a name is none of theirs.
    """
    labels = _labels(train)
    count = len(train.class_names) if train.class_names else int(labels.max()) + 1
    if balance == "balanced":
        sizes = np.bincount(labels, minlength=count)
        known = np.count_nonzero(sizes)
        balanced: Array = np.ones(count)
        np.divide(len(labels), known * sizes, out=balanced, where=sizes > 0)
        return balanced
    names = train.class_names or tuple(str(label) for label in range(count))
    weights = np.ones(count)
    for name, weight in balance.items():
        if name not in names:
            hint = suggestion(name, names, "classes")
            raise DataError(
                f'there is no class "{name}"', hint=hint, path=(*AT_CLASSES, name), code="E034"
            )
        weights[names.index(name)] = weight
    return weights


def weights_by_class(dataset: Dataset, weights: Array) -> Array:
    """The weight of each sample (n,), by its class; 1 for a class that has none."""
    labels = _labels(dataset)
    known: Array = np.append(weights, 1.0)
    found: Array = known[np.minimum(labels, len(weights))]
    return found


def weights_in_column(data: Dataset | Table, name: str) -> Array:
    """The weights (n,) that a column of a table says.

    Raises:
        DataError: there is no such column, or it does not hold numbers of at least 0.
    """
    if isinstance(data, Dataset):
        raise DataError(
            "the data is no table, so it has no column of weights", path=AT_SAMPLES, code="E034"
        )
    require_column(data.columns, name, path=AT_SAMPLES)
    column = data.columns[name]
    if column.dtype.kind not in "fiub":
        raise DataError(f'column "{name}" is text, no weights', path=AT_SAMPLES, code="E036")
    wrong = np.flatnonzero(~(np.isfinite(column) & (column >= 0)))
    if wrong.size:
        row = data.row_number(int(wrong[0]))
        raise DataError(
            f'row {row}, column "{name}" is {column[wrong[0]]}',
            hint="a weight is a number of at least 0",
            path=AT_SAMPLES,
            code="E036",
        )
    return column.astype(float)


def _labels(dataset: Dataset) -> Array:
    y = dataset.y
    if y.ndim == 2 and y.shape[1] > 1:
        found: Array = np.argmax(y, axis=1)
        return found
    if y.dtype.kind not in "iub":
        raise DataError(
            "y holds numbers, so there are no classes to weigh", path=AT_CLASSES, code="E036"
        )
    return y.reshape(-1).astype(np.intp)
