"""Tables of text whose first row may name the columns, and the table that examples hold."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from declnet import SPACES, DataError, TextTableSource

EXAMPLE: Mapping[str, tuple[Any, ...]] = {
    "length": (1.5, 2.25, 3.0, 4.75, 2.5, 0.5),
    "color": ("red", None, "blue", "red", "blue", "white"),
    "kind": ("rose", "lily", "iris", "rose", "iris", "lily"),
}
"""The table that the example of each kind of file holds, with a missing value."""


class TextFile(TextTableSource):
    """A table of text in a file, whose first row may name the columns."""

    path: Path = Field(description="the file")
    header: bool = Field(
        default=True, description="whether the first row names the columns; else: column_1, …"
    )

    def names_in(self, first_row: Sequence[str]) -> list[str]:
        """Return the columns' names, given the cells of the first row.

        The name of a column that has none is its position, as in `column_1`.

        Raises:
            DataError: two have the same name.
        """
        unnamed = [f"column_{position}" for position in range(1, len(first_row) + 1)]
        if not self.header:
            return unnamed
        names = [
            cell.strip(SPACES) or other for cell, other in zip(first_row, unnamed, strict=True)
        ]
        positions: dict[str, int] = {}
        for position, name in enumerate(names, start=1):
            if name in positions:
                both = f'columns {positions[name]} and {position} are both called "{name}"'
                hint = "rename one of them in the file"
                raise DataError(f"{self.path}: {both}", hint=hint)
            positions[name] = position
        return names
