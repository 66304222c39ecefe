"""The columns of a table that can be used, and what a preset needs to know about them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import islice
from typing import Any

from declnet import DataError
from declnet_plugins.new import ColumnProfile, TableProfile
from declnet_plugins.standard.templates.suggestions import (
    frequent_categories,
    has_frequent_categories,
    is_amount,
    is_category,
)

MOST_CATEGORIES = 1000
"""Maximum number of different texts that are categories, unless many rows have a frequent one."""
FEW_CATEGORIES = 20
"""Number of categories that is acceptable for any number of rows."""
ROWS_FOR_A_CATEGORY = 5
"""Average rows per category, if there are more than a few categories."""
IDENTIFIER = re.compile(r"(^|[_ .-])([Ii][Dd]|KEY|[Kk]ey|[GgUu]?[Uu][Ii][Dd])$|[a-z]I[dD]$")
"""Names of columns of identifiers."""
WORDS_OF_A_TEXT = 5.0
"""Minimum mean number of words of texts to read by their words, rather than names or addresses."""
UNSPACED = re.compile(
    "[\u0e00-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3040-\u31ff\u3400-\u9fff\uf900-\ufaff]"
)
"""Letters of languages that are written without spaces: Thai, Lao, Tibetan, Burmese, Khmer, Chinese
and Japanese."""
MOST_SAMPLED = 1000
"""Maximum number of different texts to look for such letters in."""
MOSTLY = 0.9
"""Share of rows without a value above which a column is left out."""

DIGITS = 1e4
"""Maximum number of deviations between the mean and 0 that float32 can resolve."""


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
    def texts(self) -> tuple[ColumnProfile, ...]:
        """The columns of free text, to read by their words."""
        return tuple(column for column in self.used if is_free_text(column))

    @property
    def others(self) -> tuple[ColumnProfile, ...]:
        """The other columns, which are prepared as single values."""
        return tuple(column for column in self.used if not is_free_text(column))


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
        "an identifier, different in each row": _is_identifier(column),
        "dates of which the day or the month may come first; datetime needs an order": (
            column.date_form == "ambiguous"
        ),
        f"{odd_date(column)}; datetime needs dates that are all written alike": (
            column.odd_date is not None and is_unread_text(column)
        ),
        f"{different_texts(column)}; tokenize reads texts": is_unread_text(column),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _is_identifier(column: ColumnProfile) -> bool:
    """Return whether integers that are all different have the name of an identifier."""
    differ = column.type == "integer" and column.distinct == column.rows > FEW_CATEGORIES
    return differ and IDENTIFIER.search(column.name) is not None


def is_free_text(column: ColumnProfile) -> bool:
    """Return whether a column holds texts such as messages: many different ones, of many words."""
    return _too_many_texts(column) and (column.words >= WORDS_OF_A_TEXT or is_unspaced(column))


def is_unspaced(column: ColumnProfile) -> bool:
    """Return whether texts have as many letters of languages without spaces as others have words.

    They then are most of the letters, too.
    """
    texts = [str(text) for text in islice(column.counts, MOST_SAMPLED)]
    letters = sum(character.isalpha() for text in texts for character in text)
    unspaced = sum(len(UNSPACED.findall(text)) for text in texts)
    return unspaced >= WORDS_OF_A_TEXT * len(texts) and 2 * unspaced > letters


def is_unread_text(column: ColumnProfile) -> bool:
    """Return whether a column holds many different texts of few words, most of them rare.

    Names and codes are such texts.
    """
    many = _too_many_texts(column) and not is_free_text(column)
    return many and not has_frequent_categories(column)


def different_texts(column: ColumnProfile) -> str:
    """Return how many texts differ, and whether they have spaces."""
    without = ", without spaces" if column.most_words <= 1 else ""
    return f"{column.distinct} different texts in {column.present} rows{without}"


def odd_date(column: ColumnProfile) -> str:
    """Return which text keeps a column from being one of dates."""
    return f"dates, but {json.dumps(column.odd_date, ensure_ascii=False)} is not like the others"


def _too_many_texts(column: ColumnProfile) -> bool:
    if not is_category(column) or column.distinct <= FEW_CATEGORIES:
        return False
    rare = column.distinct * ROWS_FOR_A_CATEGORY > column.present
    return rare or column.distinct > MOST_CATEGORIES


def preset_fields(table: TableProfile) -> dict[str, Any]:
    """Return the fields of a preset for a table, as a spec writes them.

    Raises:
        DataError: the table has nothing to learn from.
    """
    features = features_of(table)
    if not features.used:
        reasons = "; ".join(f'"{column.name}": {why}' for column, why in features.left_out[:5])
        raise DataError(
            f'has no column to predict "{table.target}" from',
            hint=reasons or "it has no other column",
        )
    gaps = {is_category(column) for column in features.others if column.missing}
    missing = [kind for kind, has in (("numbers", False), ("categories", True)) if has in gaps]
    return {
        "rows": table.rows,
        "targets": [_target(table.of_target(name)) for name in table.targets],
        "columns": [_column(column) for column in features.used],
        **({"missing": missing} if missing else {}),
        **({"folds": max(table.folds, 1)} if table.folds is not None else {}),
        **({"test": table.test} if table.test is not None else {}),
        **({"stream": True} if table.streams else {}),
    }


def _column(column: ColumnProfile) -> str | dict[str, Any]:
    """Return a column to predict from; a name stands for numbers."""
    if is_free_text(column):
        by_characters = is_unspaced(column)
        longest = max(map(len, column.counts)) if by_characters else column.most_words
        unit = "characters" if by_characters else "words"
        return {
            "name": column.name,
            "type": unit,
            "length": round(column.words),
            "longest": longest,
        }
    if is_category(column):
        frequent = frequent_categories(column)
        rare = {"frequent": frequent} if frequent != column.distinct else {}
        return {"name": column.name, "categories": column.distinct, **rare}
    if column.date_form or column.type == "boolean":
        return {"name": column.name, "type": "date" if column.date_form else "boolean"}
    return {"name": column.name, "infinite": True} if column.infinite else column.name


def _target(table: TableProfile) -> str | dict[str, Any]:
    """Return the first target of a table; a name stands for a number."""
    target = table.columns[table.target]
    if table.task != "values":
        rarest = {"rarest": min(target.counts.values())} if target.counts else {}
        return {"name": target.name, "classes": target.distinct, **rarest}
    facts = {"logarithm": is_amount(table), "float64": abs(target.mean) > DIGITS * target.std}
    true = {key: value for key, value in facts.items() if value}
    return {"name": target.name, **true} if true else target.name
