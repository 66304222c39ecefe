"""Encoding of categories: text and integers."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from declnet import (
    Array,
    ColumnError,
    Fitting,
    Transform,
    TransformState,
    class_name,
    distinct_values,
    missing_values,
)
from declnet_plugins.standard.transforms.dates import looks_like_dates
from declnet_plugins.standard.transforms.scaling import empty_column

MOST_COUNTED = 2_000_000
"""Maximum number of categories whose rows are counted in parts."""


def found_categories(x: Array, most: int) -> list[Any]:
    """Return the sorted distinct values of a training data column (n,).

    Args:
        x: text, integers or booleans; floats if they are integral.
        most: the maximum number of categories.

    Raises:
        ColumnError: there are more or none, or the column has another type.
    """
    categories = distinct_values(_whole(x))
    if not categories:
        raise empty_column()
    if len(categories) > most:
        raise _too_many(f"has {len(categories)} categories, more than {most}")
    return categories


def _too_many(message: str) -> ColumnError:
    return ColumnError(message, hint="leave it out of the features, or raise most_categories")


class _Counts(Fitting):
    """The number of rows that have each category.

    Args:
        most: the maximum number of categories.
        check: called with each part and its categories; raises ColumnError for a row that is
            refused.
        keep: returns the categories to keep, of the number of rows of each; default: all.
    """

    def __init__(
        self,
        most: int,
        check: Callable[[Array, list[Any]], object] | None = None,
        keep: Callable[[Counter[Any]], list[Any]] = sorted,
    ) -> None:
        self._counts: Counter[Any] = Counter()
        self._most, self._check, self._keep = most, check, keep

    def update(self, x: Array) -> None:
        """Add rows."""
        if self._check is not None:
            self._check(x, distinct_values(_whole(x)))
        self._counts.update(_whole(x)[~missing_values(x)].tolist())
        if len(self._counts) > self._most:
            raise _too_many(f"has more than {self._most} categories")

    def result(self) -> TransformState:
        """Return the sorted categories to keep."""
        if not self._counts:
            raise empty_column()
        return {"categories": self._keep(self._counts)}


def position_of_each(categories: Sequence[Any]) -> dict[Any, int]:
    """Return the position of each category."""
    return {category: position for position, category in enumerate(categories)}


def _position_of(state: TransformState) -> Mapping[Any, int]:
    """Return the position of each category, from a state that may be ready."""
    ready: Mapping[Any, int] | None = state.get("position_of")
    return position_of_each(state["categories"]) if ready is None else ready


def with_positions(state: TransformState) -> dict[str, Any]:
    """Return a state with the position of each category, so that it is not computed again."""
    return {"position_of": position_of_each(state["categories"]), **state}


def positions_of(x: Array, position_of: Mapping[Any, int]) -> Array:
    """Return the position of each row's category (n,), -1 for missing and unknown values."""
    values = _whole(x).tolist()
    return np.fromiter(map(position_of.get, values, repeat(-1)), np.int64, len(values))


def refuse(x: Array, wrong: Array, message: str, hint: str) -> None:
    """Raise ColumnError for the first invalid row, if any."""
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ColumnError(message.format(class_name(x[row])), row, hint)


def _whole(x: Array) -> Array:
    """Return a categorical column; raise ColumnError for fractions or several numbers per row."""
    if x.ndim != 1:
        raise ColumnError("has several numbers per row, which cannot be categories")
    if x.dtype.kind != "f":
        return x
    broken = ~np.isnan(x) & ~(np.isfinite(x) & (np.floor(x) == x))
    refuse(x, broken, "is {}, but categories are text or integers", "name other columns")
    return x


class CategoryTransform(Transform):
    """A transform of a column of categories; subclasses say what is accepted besides the known.

    Attributes:
        missing_hint: what to do about a missing value.
        unknown_hint: what to do about a category that the training data does not have.
    """

    missing_hint: ClassVar[str]
    unknown_hint: ClassVar[str]

    unknown: str
    missing: str
    most_categories: int

    def suits(self, column: Array) -> bool:
        """Return whether it is text other than dates; dates and integers need `columns`."""
        return column.dtype.kind == "O" and not looks_like_dates(column)

    def fitting(self) -> Fitting:
        """Begin a fit in parts."""
        return _Counts(self.most_categories, self._check)

    def fit(self, x: Array) -> TransformState:
        """Return the categories."""
        self._check(x, categories := found_categories(x, self.most_categories))
        return {"categories": categories}

    def ready_state(self, state: TransformState) -> dict[str, Any]:
        """Return the state with the position of each category."""
        return with_positions(state)

    def _check(self, x: Array, categories: list[Any]) -> None:
        self.positions(x, {"categories": categories})

    def positions(self, x: Array, state: TransformState) -> Array:
        """Return the category of each row, -1 for missing and unknown ones that are accepted."""
        positions = positions_of(x, _position_of(state))
        unknown = positions < 0
        if not unknown.any():
            return positions
        missing = missing_values(x)
        if self.missing == "error" or (self.missing == "unknown" and self.unknown == "error"):
            refuse(x, missing, "is missing", self.missing_hint)
        if self.missing == "zeros":
            unknown &= ~missing
        if self.unknown == "error":
            refuse(x, unknown, 'is "{}", which the training data does not have', self.unknown_hint)
        return positions

    def known_values(self, state: TransformState) -> tuple[Any, ...]:
        """Return the categories."""
        return tuple(state["categories"])


class OneHot(CategoryTransform):
    """One column for each category of the training data: 1 where a row has it, else 0.

    Categories are sorted. The new columns are called `color=red` and so on, and hold booleans,
    which standardize and min_max leave alone.
    """

    type = "one_hot"
    examples = ({}, {"columns": ["color"], "unknown": "error"})
    other_types = ("one_hot_encoder", "dummies", "get_dummies")
    missing_hint = 'put "impute" before one_hot, or set missing = "zeros"'
    unknown_hint = 'with unknown = "zeros" it would be all zeros'

    unknown: Literal["zeros", "error"] = Field(
        default="zeros", description="a category that the training data does not have: all zeros"
    )
    missing: Literal["error", "zeros"] = Field(
        default="error", description="a missing value: an error with its row, or all zeros"
    )
    most_categories: int = Field(
        default=1000,
        ge=1,
        description="maximum number of categories of a column; more are an error",
    )

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return booleans (n, categories)."""
        positions = self.positions(x, state)
        rows: Array = positions[:, None] == np.arange(len(state["categories"]))
        return rows

    def feature_names(self, names: tuple[str, ...], state: TransformState) -> tuple[str, ...]:
        """Return names of the form `column=category`."""
        return tuple(
            f"{name}={class_name(category)}" for name in names for category in state["categories"]
        )


class Ordinal(CategoryTransform):
    """An integer for each category of the training data: 0, 1, 2, …, in sorted order.

    With `unknown = "index"`, k categories have the indices 0 to k - 1, and k represents all values
    that are not in the training data; an embedding then needs k + 1 rows.
    """

    type = "ordinal"
    examples = ({}, {"columns": ["word"], "unknown": "index", "missing": "unknown"})
    other_types = ("ordinal_encoder", "label_encoder")
    missing_hint = 'put "impute" before ordinal, or set missing = "unknown" and unknown = "index"'
    unknown_hint = 'with unknown = "index" it gets a separate index'

    unknown: Literal["error", "index"] = Field(
        default="error",
        description="a category that the training data does not have: an error with its row, or "
        "one index more",
    )
    missing: Literal["error", "unknown"] = Field(
        default="error", description="a missing value: an error, or an unknown category"
    )
    most_categories: int = Field(
        default=1_000_000,
        ge=1,
        description="maximum number of categories of a column; more are an error",
    )

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return integers (n,)."""
        positions = self.positions(x, state)
        return np.where(positions < 0, len(state["categories"]), positions)

    def levels(self, state: TransformState) -> int:
        """Return the number of categories, plus one if unknown values have an index."""
        return len(state["categories"]) + (self.unknown == "index")


class GroupRare(Transform):
    """y = x where the training data has x often enough; other categories become one, `other`.

    So do categories that the training data does not have. The result is text, for `one_hot` or
    `ordinal` to encode; missing values stay missing. A category is kept if at least `min_count`
    rows and a share `min_share` of those without a missing value have it; if more than
    `max_categories` are, the most frequent of them, in a tie the first in sorted order.

    As `min_frequency` and `max_categories` of scikit-learn's OneHotEncoder, whose limit counts
    `other`, too.
    """

    type = "group_rare"
    examples = ({}, {"columns": ["city"], "min_share": 0.01, "max_categories": 50})

    min_count: int = Field(
        default=5, ge=1, description="minimum number of rows of a category that is kept"
    )
    min_share: float = Field(
        default=0.0, ge=0, lt=1, description="minimum share of the rows of a category that is kept"
    )
    max_categories: int | None = Field(
        default=None, ge=1, description="maximum number of categories to keep; default: all"
    )
    other: str = Field(
        default="other", min_length=1, description="the category that replaces the others"
    )

    def suits(self, column: Array) -> bool:
        """Return whether it is text other than dates; dates and integers need `columns`."""
        return column.dtype.kind == "O" and not looks_like_dates(column)

    def fitting(self) -> Fitting:
        """Begin a fit in parts, in memory for the number of rows of each category."""
        return _Counts(MOST_COUNTED, keep=self._frequent)

    def fit(self, x: Array) -> TransformState:
        """Return the categories that are kept, sorted."""
        found_categories(x, len(x))
        return {"categories": self._frequent(Counter(_whole(x)[~missing_values(x)].tolist()))}

    def _frequent(self, counts: Counter[Any]) -> list[Any]:
        """Return the categories that are kept, sorted."""
        least = max(self.min_count, self.min_share * counts.total())
        frequent = sorted(category for category, count in counts.items() if count >= least)
        frequent.sort(
            key=lambda category: -counts[category]
        )  # stable: equally frequent ones stay sorted
        return sorted(frequent[: self.max_categories])

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return text (n,), None where x is missing."""
        state = state if "names" in state else self.ready_state(state)
        y: Array = state["names"][positions_of(x, state["position_of"])]  # -1 is the last
        y[missing_values(x)] = None
        return y

    def ready_state(self, state: TransformState) -> dict[str, Any]:
        """Return the state with the position and the name of each category, and `other`."""
        names = np.array([*map(class_name, state["categories"]), self.other], object)
        return {**with_positions(state), "names": names}

    def known_values(self, state: TransformState) -> tuple[Any, ...]:
        """Return the categories that are kept."""
        return tuple(state["categories"])
