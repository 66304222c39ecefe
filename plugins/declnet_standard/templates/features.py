"""Selection of the columns that a model can learn from."""

from dataclasses import dataclass

from declnet import ColumnProfile, TableProfile

MOST_CATEGORIES = 1000
"""Most categories of a text column to one-hot encode; the limit of one_hot."""
FEW_CATEGORIES = 20
"""Number of categories that is acceptable for any number of rows."""
ROWS_FOR_A_CATEGORY = 5
"""Average rows per category, if there are more than a few categories."""
MOSTLY = 0.9
"""Share of rows without a value above which a column is left out."""


@dataclass(frozen=True)
class Features:
    """The columns of a table other than the target.

    Attributes:
        used: the columns to learn from, in order.
        left_out: the unusable columns, each with the reason.
    """

    used: tuple[ColumnProfile, ...]
    left_out: tuple[tuple[ColumnProfile, str], ...]

    @property
    def gaps(self) -> bool:
        """Return whether values are missing."""
        return any(each.missing for each in self.used)

    @property
    def infinities(self) -> bool:
        """Return whether numbers are infinite."""
        return any(each.infinite for each in self.used)

    @property
    def numbers(self) -> bool:
        """Return whether there are columns of numbers."""
        return any(each.type in ("number", "integer") for each in self.used)

    @property
    def text(self) -> bool:
        """Return whether there are columns of text."""
        return any(each.type == "text" for each in self.used)


def features_of(table: TableProfile) -> Features:
    """Sort the columns into usable and unusable ones."""
    used, left_out = [], []
    for column in table.features:
        reason = _reason(column)
        if reason is None:
            used.append(column)
        else:
            left_out.append((column, reason))
    return Features(tuple(used), tuple(left_out))


def _reason(column: ColumnProfile) -> str | None:
    """Return why a column is unusable, or None if it is usable."""
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
