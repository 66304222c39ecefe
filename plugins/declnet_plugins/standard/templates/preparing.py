"""The preparation of the columns of a table, as transforms of a spec."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from declnet_plugins.standard.templates.facts import MOST_CATEGORIES, Column, least_rows
from declnet_plugins.standard.templates.plan import Plan, names_of
from declnet_plugins.standard.templates.table_preset import Table

MOST_TOKENS = 512
"""Maximum number of different words and pairs of a text that are read, so that a few long texts
need little memory."""

MISSING_INDICATOR = {"type": "missing_indicator"}


def standardized(plan: Plan) -> Iterator[Table]:
    """Yield the transforms of all columns, for networks that take standardized numbers."""
    yield from tokenized(plan)
    if plan.others:
        yield from _values(plan)


def _values(plan: Plan) -> Iterator[Table]:
    """Yield the preparation of columns other than texts."""
    if plan.dates:
        yield {"type": "datetime"}
    yield from grouped(plan)
    if plan.category_gaps:
        yield {"type": "impute", "strategy": "constant", "value": "missing"}
    yield from finite(plan)
    scale, fill = {"type": "standardize"}, {"type": "impute", "strategy": "median"}
    if plan.gaps:
        yield from (scale, MISSING_INDICATOR, fill)
    else:
        if not plan.infinite:
            yield fill
        if plan.numbers:
            yield scale
    one_hot = [column for column in plan.categories if column.is_category]
    if one_hot:
        yield {"type": "one_hot", **columns_if(plan.embedded, one_hot)}
    yield from numbered(plan)


def tokenized(plan: Plan) -> Iterator[Table]:
    """Yield a transform for each column of text."""
    for text in plan.texts.values():
        if text.type == "characters":
            unit, units = {"unit": "characters", "ngrams": 3}, 3 * text.longest
        else:
            unit, units = {"ngrams": 2}, 2 * text.longest
        length = {"length": MOST_TOKENS} if units > MOST_TOKENS else {}
        fields = {**unit, "weights": "tf_idf", **length, "missing": "empty"}
        yield {"type": "tokenize", "columns": [text.name], **fields}


def repaired(plan: Plan) -> Iterator[Table]:
    """Yield what precedes other transforms: of dates, rare categories and infinite numbers."""
    if plan.dates:
        yield {"type": "datetime"}
    yield from grouped(plan)
    yield from finite(plan)


def grouped(plan: Plan) -> Iterator[Table]:
    """Yield the transforms by which rare categories become one, if there are any."""
    categories = [column for column in plan.others if column.is_category]
    by_least: dict[int, list[Column]] = {}
    for column in categories:
        by_least.setdefault(least_rows(column.categories or 0, plan.rows), []).append(column)
    for least, columns in by_least.items():
        if any(column.is_grouped for column in columns):
            many = any((column.categories or 0) > MOST_CATEGORIES for column in columns)
            most = {"max_categories": MOST_CATEGORIES} if many else {}
            named = columns_if(columns != categories, columns)
            yield {"type": "group_rare", **named, "min_count": least, **most}


def finite(plan: Plan) -> Iterator[Table]:
    """Yield the transform that replaces infinite numbers, if there are any.

    It fills missing values, too, so only the columns concerned are named if others have gaps.
    """
    if plan.infinite:
        columns = {"columns": plan.infinite} if plan.gaps else {}
        yield {"type": "impute", "strategy": "median", "infinite": True, **columns}


def filled(plan: Plan) -> Iterator[Table]:
    """Yield what follows a transform that makes the median 0."""
    if plan.gaps:
        yield MISSING_INDICATOR
    yield {"type": "impute", "strategy": "constant", "value": 0.0}


def numbered(plan: Plan) -> Iterator[Table]:
    """Yield the transform for columns of many categories, if there are any; it comes last."""
    if plan.embedded:
        columns = names_of(plan.embedded)
        yield {"type": "ordinal", "columns": columns, "unknown": "index", "missing": "unknown"}


def columns_if(needed: object, columns: Sequence[Column]) -> Table:
    """Return the field with the names of columns, if a transform needs it."""
    return {"columns": names_of(columns)} if needed else {}
