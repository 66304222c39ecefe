"""How a CSV file is written, and what its header says."""

from dataclasses import dataclass
from pathlib import Path

from declnet import DataError


@dataclass(frozen=True)
class CSVFormat:
    """How a file is written.

    Attributes:
        path: the file.
        delimiter: between cells.
        decimal: within numbers, a point or a comma.
        encoding: of the text.
        header: whether the first row names the columns.
        most_bytes: more are refused.
        missing: cells that stand for a missing value.
    """

    path: Path
    delimiter: str
    decimal: str
    encoding: str
    header: bool
    most_bytes: int
    missing: frozenset[str]


def header(cells: list[str], form: CSVFormat) -> list[str]:
    """The columns' names; one without a name is called by its position, `column_1`.

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
    """Names for columns without any."""
    return [f"column_{position}" for position in range(1, count + 1)]
