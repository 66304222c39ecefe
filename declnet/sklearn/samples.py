"""From scikit-learn's X and y to what declnet trains on and predicts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import check_array, column_or_1d

from declnet import Array, DataError, Dataset, MappedArray, Table, as_table, class_name
from declnet.sklearn.sparse_rows import SparseRows

WEIGHTS = "sample_weight"
"""The name of the column of weights, if no other has it."""


def is_frame(X: Any) -> bool:
    """Return whether X is a data frame, from pandas, polars or similar."""
    return hasattr(X, "columns") and hasattr(X, "__getitem__")


@dataclass(frozen=True, eq=False)
class Target:
    """One column of y.

    Attributes:
        name: its name in the user's y; None if it has none.
        values: (n,), or (n, k) of joined columns: numbers, or the positions of classes.
        classes: the sorted classes; None for numbers.
    """

    name: str | None
    values: Array
    classes: Array | None = None

    @property
    def task(self) -> Literal["values", "binary", "classes"]:
        """The kind of prediction."""
        if self.classes is None:
            return "values"
        return "binary" if len(self.classes) == 2 else "classes"

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of the classes in order, as declnet writes them."""
        if self.classes is None:
            return None
        return tuple(map(class_name, self.classes.tolist()))

    def column(self) -> tuple[Array, tuple[Any, ...] | None]:
        """Return it as a column of a table, and its classes: booleans, integers or texts."""
        if self.classes is None:
            return self.values.astype(float), None
        are_integers = self.classes.dtype.kind in "iub"
        classes = self.classes if are_integers else np.array(self.class_names, object)
        return classes[self.values], tuple(classes.tolist())


@dataclass(frozen=True, eq=False)
class Targets:
    """The columns of y.

    Attributes:
        columns: one for each.
        is_matrix: whether y is (n, k), also for k = 1.
        are_labels: whether the matrix holds 0 and 1: whether a sample has each of several labels.
    """

    columns: tuple[Target, ...]
    is_matrix: bool = False
    are_labels: bool = False

    def __len__(self) -> int:
        return len(self.columns)

    def joined(self) -> Target:
        """Return all columns as one target (n, k), of numbers or labels."""
        return Target(None, np.stack([column.values for column in self.columns], axis=1))


def target_array(y: Any, estimator: str, *, numbers: bool) -> tuple[Array, list[str | None]]:
    """Return y as an array, (n,) or (n, outputs), and the names of its columns.

    Args:
        estimator: what messages call the estimator.
        numbers: whether y holds numbers, else labels of any type.

    Raises:
        ValueError: it is missing, of another shape, or holds NaN or infinities.
    """
    if y is None:
        raise ValueError(
            f"This {estimator} estimator requires y to be passed, but the target y is None."
        )
    require_unmasked(y, "y")
    names = [str(column) for column in y.columns] if hasattr(y, "columns") else None
    name = getattr(y, "name", None)
    dtype = "numeric" if numbers else None
    y = y if numbers or hasattr(y, "toarray") else np.asarray(y)  # keeps pandas' booleans
    array = check_array(
        y, ensure_2d=False, dtype=dtype, accept_sparse=["csr", "csc"], input_name="y"
    )
    array = array.toarray() if hasattr(array, "toarray") else array
    if array.ndim == 2 and array.shape[1] == 1:
        array = column_or_1d(array, warn=True)
    if array.ndim == 1:
        name = names[0] if names else name
        return array, [name if isinstance(name, str) else None]
    return array, list(names) if names is not None else [None] * array.shape[1]


def table_of(X: Any, names: tuple[str, ...]) -> Table:
    """Return a data frame or an array (n, columns) as a table; arrays hold floats or objects.

    Args:
        names: the names of the columns, in order.

    Raises:
        DataError: a column holds something else than numbers, booleans, texts or times.
    """
    if is_frame(X):
        columns = {name: X[column] for name, column in zip(names, X.columns, strict=True)}
    elif X.dtype.kind == "O":
        columns = {name: X[:, at] for at, name in enumerate(names)}
    else:
        columns = {name: X[:, at].astype(float) for at, name in enumerate(names)}
    table = as_table(columns)
    if not isinstance(table, Table):
        raise TypeError("a mapping of columns is a table")
    return table


def with_targets(table: Table, targets: Mapping[str, Target]) -> Table:
    """Return a table with its targets as columns."""
    columns, classes = dict(table.columns), {}
    for name, target in targets.items():
        columns[name], labels = target.column()
        if labels is not None:
            classes[name] = labels
    features = tuple(table.columns)
    one = next(iter(targets)) if len(targets) == 1 else None
    several = () if one is not None else tuple(targets)
    return Table(columns, one, features, targets=several, classes=classes)


def with_weights(data: Table | Dataset, weights: Array) -> tuple[Table | Dataset, str | None]:
    """Return data with sample weights (n,), and the name of their column if it is a table."""
    if isinstance(data, Dataset):
        return replace(data, weights=weights), None
    name = WEIGHTS
    while name in data.columns:
        name = f"{name}_"
    return replace(data, columns={**data.columns, name: weights}), name


def dataset_of(X: Array | MappedArray, targets: Mapping[str, Target]) -> Dataset:
    """Return arrays as a data set; a single target has no name there."""
    if len(targets) > 1:
        return Dataset(X, {name: target.values for name, target in targets.items()})
    (only,) = targets.values()
    return Dataset(X, only.values, class_names=only.class_names)


def sample_weights(weights: Any, samples: int) -> Array | None:
    """Return sample weights (n,), None if there are none; raise ValueError if they are invalid."""
    if weights is None:
        return None
    require_unmasked(weights, "sample_weight")
    if np.isscalar(weights):
        weights = np.full(samples, weights)
    array: Array = check_array(
        weights, ensure_2d=False, dtype=[np.float64, np.float32], input_name="sample_weight"
    )
    if array.shape != (samples,):
        raise ValueError(f"sample_weight.shape == {array.shape}, expected {(samples,)}!")
    if (array < 0).any():
        raise ValueError("Negative values in data passed to `sample_weight`")
    if not array.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return array


def class_weights(class_weight: Any, targets: Targets) -> Array:
    """Return the weights of samples (n,) by their classes, multiplied over several outputs.

    Args:
        class_weight: `"balanced"`, or a mapping of weights by class; for several outputs a list.

    Raises:
        ValueError: it is something else, names unknown classes, or has negative weights.
    """
    by_column = [class_weight] * len(targets)
    if len(targets) > 1 and class_weight != "balanced":
        if not isinstance(class_weight, list | tuple) or len(class_weight) != len(targets):
            raise ValueError(
                "class_weight must be 'balanced', or for several outputs a list of one mapping of "
                f"weights by class for each of the {len(targets)} columns of y"
            )
        by_column = list(class_weight)
    product: Array = np.ones(len(targets.columns[0].values))
    for column, weights in zip(targets.columns, by_column, strict=True):
        classes = np.asarray(column.classes)
        by_class = compute_class_weight(weights, classes=classes, y=classes[column.values])
        if not (np.isfinite(by_class) & (by_class >= 0)).all():
            raise ValueError(f"class_weight must have finite weights of at least 0: {weights}")
        product *= by_class[column.values]
    return product


def require_unmasked(values: Any, name: str) -> None:
    """Raise DataError for a masked array, whose mask scikit-learn would ignore."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise DataError(
            f"{name} is a masked array with {np.count_nonzero(values.mask)} masked values",
            hint="fill them, or give a table: masked values of its columns are missing",
        )


def numbers_of(x: Any) -> Array | MappedArray:
    """Return X as an array of numbers, a sparse one unchanged.

    Raises:
        ValueError: a data frame has something else than numbers.
    """
    if issparse(x):
        return SparseRows(x)
    array = np.asarray(x)
    if array.dtype.kind == "O":
        try:
            array = array.astype(float)
        except (TypeError, ValueError):
            raise ValueError("X has to be numbers here, since the network takes arrays") from None
    return array
