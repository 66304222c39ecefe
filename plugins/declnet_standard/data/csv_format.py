"""The format and the header of a CSV file."""

from dataclasses import dataclass
from pathlib import Path

from declnet import DataError


@dataclass(frozen=True)
class CSVFormat:
    """The format of a file.

    Attributes:
        path: the file.
        delimiter: the character between cells.
        decimal: the decimal sign, a point or a comma.
        encoding: the text encoding.
        header: whether the first row names the columns.
        most_bytes: the size limit; larger files are refused.
        missing: the cells that mark a missing value.
    """

    path: Path
    delimiter: str
    decimal: str
    encoding: str
    header: bool
    most_bytes: int
    missing: frozenset[str]


def header(cells: list[str], form: CSVFormat) -> list[str]:
    """Return the columns' names, using the position for unnamed ones, as in `column_1`.

    Raises:
        DataError: two have the same name.
    """
    names = [
        cell.strip(" \t") or other for cell, other in zip(cells, unnamed(len(cells)), strict=True)
    ]
    positions: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        if name in positions:
            raise DataError(
                f'{form.path}: columns {positions[name]} and {position} are both called "{name}"',
                hint="rename one of them in the file",
            )
        positions[name] = position
    return names


def unnamed(count: int) -> list[str]:
    """Return names for unnamed columns."""
    return [f"column_{position}" for position in range(1, count + 1)]
