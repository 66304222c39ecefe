"""PredictionSource: opens what predicts rows without being a run, e.g. a file or a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from declnet.contracts.annotations import Misfit
from declnet.contracts.arrays import Array
from declnet.contracts.component import Component
from declnet.contracts.data.table import ColumnType, Table
from declnet.registry.registry import Registry


@dataclass(frozen=True, eq=False)
class PredictedRows:
    """Predictions for n rows, in the columns that `declnet predict` writes.

    Attributes:
        columns: the columns (n,) `prediction`, `probability_<class>`, `lower`, `upper` and `set`,
            or those of each loss after its name; floats (NaN if missing) or objects: text, integers
            and booleans (None if missing).
        labels: the columns that hold classes: values are compared as text, and one that differs is
            another class.
        errors: why rows could not be predicted, by their positions; empty text if it is not known.
            What the columns have there means nothing.
    """

    columns: Mapping[str, Array]
    labels: frozenset[str] = frozenset()
    errors: Mapping[int, str] = field(default_factory=dict)

    def require_rows(self, rows: int) -> None:
        """Raise Misfit unless each column has a value for each row."""
        for name, column in self.columns.items():
            if column.shape != (rows,):
                raise Misfit.of(column, f"an array of shape ({rows},)").within(f'column "{name}"')
        outside = [position for position in self.errors if not 0 <= position < rows]
        if outside:
            raise Misfit.of(outside[0], f"the position of one of {rows} rows").within("errors")


@dataclass(frozen=True, eq=False)
class RowPredictor:
    """What predicts rows, opened.

    Attributes:
        predict: returns the predictions for rows. They have the columns in `column_types`, in these
            types; an array without a name is the column `x`, (n, *sample shape).
        column_types: the columns of a table that it needs, with their types: a row in which a cell
            cannot be read is not given to `predict`. None: it takes arrays, or reads cells itself,
            and gets all columns as text, as they are in the file (None if missing).
    """

    predict: Callable[[Table], PredictedRows]
    column_types: Mapping[str, ColumnType] | None = None


class PredictionSource(Component):
    """A kind of place that predictions come from, which `declnet diff --data` compares with others.

    It is found by the suffix of a file or the scheme of a URL. It has no fields that must be given.
    """

    kind = "prediction_source"
    required_methods = ("open",)

    suffixes: ClassVar[tuple[str, ...]] = ()
    """Suffixes of files that it opens, in lower case, e.g. `(".onnx",)`."""
    schemes: ClassVar[tuple[str, ...]] = ()
    """Schemes of URLs that it opens, e.g. `("http", "https")`."""

    def unavailable(self) -> str | None:
        """Return why it cannot be used here, e.g. a missing package; default: None."""
        return None

    def opens(self, name: str, registry: Registry) -> bool:  # noqa: ARG002
        """Return whether it opens what a file or URL names; default: by suffix or scheme.

        Args:
            name: as in the command; nothing is read yet.
            registry: where components are looked up.
        """
        scheme, separator, _ = name.partition("://")
        if separator:
            return scheme.lower() in self.schemes
        return name.lower().endswith(self.suffixes)

    def open(self, name: str, registry: Registry) -> RowPredictor:
        """Open it.

        Args:
            name: a file or URL for which `opens` is true.
            registry: where components are looked up.

        Raises:
            DeclnetError: it cannot be read or reached, or does not say what it takes.
        """
        raise NotImplementedError
