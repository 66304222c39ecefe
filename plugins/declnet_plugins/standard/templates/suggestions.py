"""Suggestions from a table: rare categories and classes, an order of classes, amounts, counts."""

import re
from collections.abc import Iterable

from declnet import class_name
from declnet_plugins.new import ColumnProfile, TableProfile
from declnet_plugins.standard.templates.facts import (
    LEAST_ROWS,
    MOST_CATEGORIES,
    MOST_ONE_HOT,
    RARE_CLASS,
    least_rows,
)

FREQUENT = 0.5
"""Share of the rows with a frequent category that makes a column of many categories useful."""

SKEWED, VERY_SKEWED = 1.0, 2.0
"""Skewness of positive numbers above which learning their logarithm, if it is less skewed, is
suggested and done. For prices of a skewness of 1.7 it gave smaller relative errors, but squared
errors up to 6 % larger."""

SCALES = (
    "none, very low, low, medium=moderate=mid=middle=average=normal, high, very high, extreme",
    "very bad=very poor=terrible, bad=poor, fair=ok=okay=average=acceptable, good, very good, "
    "excellent=great=ideal",
    "never, rarely=seldom, sometimes=occasionally, often=frequently, usually, always",
    "strongly disagree, disagree, neutral=undecided, agree, strongly agree",
    "very dissatisfied, dissatisfied=unsatisfied, neutral, satisfied, very satisfied",
    "none, mild=minor=slight=light, moderate, severe=serious=major, critical=fatal",
    "tiny, small, medium, large=big, huge",
    "xxs, xs, s, m, l, xl, xxl, xxxl",
    "short, medium, long",
    "slow, medium, fast",
    "easy, medium=moderate, hard=difficult",
    "cold, cool, mild, warm, hot",
    "beginner, intermediate, advanced, expert",
    "junior, mid=middle, senior",
    "negative, neutral, positive",
    "worse, same=unchanged, better",
)
"""Words for classes with an order, the lowest first; = is between words for the same."""


def is_category(column: ColumnProfile) -> bool:
    """Return whether a column holds text other than dates."""
    return column.type == "text" and not column.date_form


def has_frequent_categories(column: ColumnProfile) -> bool:
    """Return whether at least half of the rows have one of the most frequent categories."""
    many = column.distinct > MOST_ONE_HOT
    least = least_rows(column.distinct, column.rows) if many else LEAST_ROWS
    return sum(_frequent(column, least)) >= FREQUENT * max(column.present, 1)


def frequent_categories(column: ColumnProfile) -> int:
    """Return how many categories of a column are not rare, up to `MOST_CATEGORIES`."""
    return len(_frequent(column, least_rows(column.distinct, column.rows)))


def _frequent(column: ColumnProfile, least: int) -> list[int]:
    """Return how many rows each of the most frequent categories has."""
    return [count for count in column.counts.values() if count >= least][:MOST_CATEGORIES]


def is_amount(table: TableProfile) -> bool:
    """Return whether the target is a very skewed positive number, whose logarithm is learned."""
    return _log_helps(table) and table.columns[table.target].skewness > VERY_SKEWED


def may_be_amount(table: TableProfile) -> bool:
    """Return whether the target is a skewed positive number, whose logarithm is suggested."""
    return _log_helps(table) and not is_amount(table)


def _log_helps(table: TableProfile) -> bool:
    target = table.columns[table.target]
    if table.task != "values" or target.log_skewness is None or holds_counts(table):
        return False
    return target.skewness > max(SKEWED, 2 * abs(target.log_skewness))


def holds_counts(table: TableProfile) -> bool:
    """Return whether the target is a number of visits or the like."""
    return table.task == "values" and table.columns[table.target].holds_counts


def rare_class(table: TableProfile) -> tuple[str, float] | None:
    """Return the name and share of the rarest class, None if no class is rare."""
    counts = table.columns[table.target].counts
    if table.task == "values" or not counts:
        return None
    name, count = list(counts.items())[-1]
    share = count / sum(counts.values())
    if share >= RARE_CLASS / len(counts):
        return None
    return class_name(name), share


def order_of_classes(table: TableProfile) -> tuple[str, ...] | None:
    """Return the classes from the lowest to the highest, None if they need not have an order.

    They are texts in the words of a scale, or consecutive integers, such as ratings.
    """
    counts = table.columns[table.target].counts
    if table.task != "classes" or not counts:
        return None
    if all(isinstance(count, str) for count in counts):
        words = {re.sub(r"[\s_-]+", " ", count).strip().lower(): count for count in counts}
        for scale in SCALES:
            ranks = {w: at for at, words in enumerate(scale.split(", ")) for w in words.split("=")}
            if words.keys() <= ranks.keys() and len({ranks[w] for w in words}) == len(counts):
                return tuple(words[word] for word in sorted(words, key=ranks.__getitem__))
        return None
    numbers = sorted(counts)
    if numbers[-1] - numbers[0] != len(numbers) - 1:
        return None
    return tuple(f"{number:g}" for number in numbers)


def order_of_words(table: TableProfile) -> tuple[str, ...] | None:
    """Return the order of classes that are texts, which a spec has to list, if they have one."""
    return order_of_classes(table) if has_words(table) else None


def has_words(table: TableProfile) -> bool:
    """Return whether the classes are texts."""
    return table.columns[table.target].type == "text"


def percent(share: float) -> str:
    """Return a share as text such as `6 %` or `0.03 %`."""
    return f"{100 * share:.2g} %"


def notes_on(table: TableProfile, columns: Iterable[ColumnProfile], where: str) -> tuple[str, ...]:
    """Return what `declnet new` tells about the target and about columns of many categories.

    Args:
        columns: the columns to predict from.
        where: how to try another loss that is suggested.
    """
    notes = []
    for column in columns:
        frequent = frequent_categories(column)
        if is_category(column) and column.distinct > max(frequent, MOST_ONE_HOT):
            notes.append(
                f'column "{column.name}": {frequent} of its {column.distinct} categories are '
                'frequent; the others become "other"'
            )
    rare = rare_class(table)
    of_target = f' of "{table.target}"' if table.others else ""
    weights = "" if table.others else "; class_weights may help"
    if rare is not None:
        notes.append(
            f'the class "{rare[0]}"{of_target} is rare, {percent(rare[1])} of the rows: accuracy '
            f"says little about it, so other metrics come first{weights}"
        )
    order = order_of_classes(table)
    if order is not None:
        seem = f"are the numbers {order[0]} to {order[-1]}: if their order matters, as of ratings,"
        if has_words(table):
            seem = f"seem to have an order, {' < '.join(order)}:"
        notes.append(
            f'the classes of "{table.target}" {seem} the loss "ordinal" may suit them better, '
            f"{where}"
        )
    if is_amount(table):
        notes.append(
            f'the target "{table.target}" is positive and skewed, so the network learns its '
            "logarithm; predictions and metrics are in its own unit"
        )
    if may_be_amount(table):
        notes.append(
            f'the target "{table.target}" is positive and somewhat skewed: if relative errors '
            "matter, let the network learn its logarithm, see targets in [preset]"
        )
    if holds_counts(table):
        few = table.columns[table.target].may_be_codes
        as_classes = "; --task classification would make a class of each" if few else ""
        notes.append(
            f'the target "{table.target}" seems to hold counts: the loss "poisson" may suit them '
            f"better, {where}{as_classes}"
        )
    return tuple(notes)
