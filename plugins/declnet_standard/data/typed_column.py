"""A column that grows cell by cell and infers its type."""

from collections.abc import Callable

import numpy as np

from declnet import Array, ColumnType, DataError
from declnet_standard.data.cells import Cells

Read = Callable[[Cells], Array | None]

_READ: dict[str, Read] = {
    "integer": lambda cells: cells.integers(),
    "number": lambda cells: cells.numbers(),
    "boolean": lambda cells: cells.booleans(),
    "text": lambda cells: cells.text(),
}
_WIDER: dict[str, str] = {"integer": "number", "number": "text", "boolean": "text"}
"""The next wider type if a cell does not fit."""
_IN_WORDS = {"integer": "whole number", "number": "number", "boolean": "boolean"}


class TypedColumn:
    """A column of a text file.

    Args:
        name: the column's name.
        declared: the type that every cell must have; None to infer it.
        settled: its type in the training data: a column that is not text there must be numeric.
        keep: whether to keep the cells rather than only the type.

    Attributes:
        type: the type so far; None if all cells were missing.
        lost: whether cells were read as numbers before the column turned out to be text, so that
            it must be read again as text.
    """

    def __init__(
        self,
        name: str,
        declared: ColumnType | None = None,
        settled: ColumnType | None = None,
        keep: bool = True,
    ) -> None:
        self._keep = keep
        self.name, self._declared, self._settled = name, declared, settled
        expected = None if settled == "boolean" else settled  # numbers may represent booleans
        self.type: str | None = declared or expected
        self.lost = False
        self._parts: list[Array] = []

    def add(self, cells: Cells, first_row: int) -> None:
        """Add cells.

        Args:
            cells: the next cells.
            first_row: the number of their first row, for messages.

        Raises:
            DataError: a cell does not have the declared type.
        """
        if self.lost or (self.type == "text" and not self._keep):
            return
        if self._declared is not None:
            self._parts.append(self._as_declared(cells, self._declared, first_row))
            return
        part = self._found(cells, first_row)
        if part is not None and self._keep:
            self._parts.append(part)

    def _found(self, cells: Cells, first_row: int) -> Array | None:
        """Return the cells in the type so far, which is widened if they do not fit."""
        if self.type is None:
            self.type = self._first_type(cells)
        if self.type is None:
            return np.full(len(cells), np.nan)
        part = _READ[self.type](cells)
        while part is None:
            wider = _WIDER[self.type]
            if wider == "text" and self._settled is not None:
                raise self._wrong(cells, "number", first_row)
            if wider == "text":
                self.lost = True
                return None
            self.type = wider
            part = _READ[self.type](cells)
        return part

    def array(self) -> Array:
        """Return all cells that were added."""
        parts = self._parts or [np.empty(0)]
        if self.type == "text":  # parts before the first text are entirely missing
            parts = [p if p.dtype.kind == "O" else np.full(len(p), None) for p in parts]
        elif len({part.dtype.kind for part in parts}) > 1:
            parts = [part.astype(float) for part in parts]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _first_type(self, cells: Cells) -> str | None:
        if cells.are_missing():
            return None
        kinds = ("integer", "number", "boolean")
        for kind in kinds[1:] if self._settled == "number" else kinds:
            if _READ[kind](cells) is not None:
                return kind
        return "number" if self._settled is not None else "text"

    def _as_declared(self, cells: Cells, kind: str, first_row: int) -> Array:
        part = _READ[kind](cells)
        if part is None:
            raise self._wrong(cells, kind, first_row)
        return part

    def _wrong(self, cells: Cells, kind: str, first_row: int) -> DataError:
        position, value = cells.first_that_is_no(kind)
        shown = value if len(value) <= 40 else f"{value[:39]}…"
        return DataError(
            f'row {first_row + position}, column "{self.name}": "{shown}" is no {_IN_WORDS[kind]}',
            hint="if it stands for a missing value, name it in missing",
        )
