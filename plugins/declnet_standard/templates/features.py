"""Which columns of a table a model can learn from."""

from dataclasses import dataclass

from declnet import ColumnProfile, TableProfile

MOST_CATEGORIES = 1000
"""Of a text column that is made one column for each; as many as one_hot takes."""
FEW_CATEGORIES = 20
"""Of which there are never too many for the rows."""
ROWS_FOR_A_CATEGORY = 5
"""On average, if there are more than a few categories."""
MOSTLY = 0.9
"""The share of rows without a value, above which a column tells too little."""


@dataclass(frozen=True)
class Features:
    """The columns of a table, its target left out.

    Attributes:
        used: to learn from, in order.
        left_out: of no use, each with the reason.
    """

    used: tuple[ColumnProfile, ...]
    left_out: tuple[tuple[ColumnProfile, str], ...]

    @property
    def gaps(self) -> bool:
        """Whether values are missing."""
        return any(each.missing for each in self.used)

    @property
    def infinities(self) -> bool:
        """Whether numbers are infinite."""
        return any(each.infinite for each in self.used)

    @property
    def numbers(self) -> bool:
        """Whether there are columns of numbers."""
        return any(each.type in ("number", "integer") for each in self.used)

    @property
    def text(self) -> bool:
        """Whether there are columns of text."""
        return any(each.type == "text" for each in self.used)


def features_of(table: TableProfile) -> Features:
    """Sort the columns into those of use and the others."""
    used, left_out = [], []
    for column in table.features:
        reason = _reason(column)
        if reason is None:
            used.append(column)
        else:
            left_out.append((column, reason))
    return Features(tuple(used), tuple(left_out))


def _reason(column: ColumnProfile) -> str | None:
    """Why a column is of no use; None if it is."""
    reasons = {
        "empty": not column.present,
        f"only {column.present} of {column.rows} rows have a value": (
            column.missing > MOSTLY * column.rows
        ),
        "always the same": column.distinct == 1,
        "numbers the rows": column.counts_rows,
        f"{column.distinct} different texts in {column.present} rows": _too_many_texts(column),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _too_many_texts(column: ColumnProfile) -> bool:
    if column.type != "text" or column.distinct <= FEW_CATEGORIES:
        return False
    rare = column.distinct * ROWS_FOR_A_CATEGORY > column.present
    return rare or column.distinct > MOST_CATEGORIES
