"""Profiles: the contents of the columns of a table, and its targets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from declnet import (
    Array,
    ColumnNote,
    ColumnType,
    Table,
    column_type,
    date_form,
    missing_values,
    odd_date,
)
from declnet_plugins.new.time_series import SeriesProfile

FEWEST_SHUFFLED = 30
"""In fewer rows, distinct consecutive integers may be a feature, unless they are in order."""

MOST_CODES = 20
"""Maximum number of distinct whole numbers that may be codes of classes."""
FEWEST_COUNTS = 6
"""Distinct values from which on whole numbers may be counts; fewer are classes, such as grades."""
SKEWED_COUNTS = 0.3
"""Skewness of whole numbers from 0 or 1 above which they are taken for counts."""
RARE_COUNTS = 10
"""How many times as frequent as the largest count the most frequent one is."""

TargetKind = Literal["binary", "classes", "values"]
"""What to predict: one of two classes, one of several, or a number; matches a loss with the same
`targets`."""


@dataclass(frozen=True)
class ColumnProfile:
    """A profile of a column.

    Attributes:
        name: the column's name.
        type: the type of its values.
        rows: the number of rows in the table.
        missing: the number of missing values.
        distinct: the number of distinct values, without missing ones.
        counts_rows: whether it holds consecutive integers, one per row, in any order.
        whole: whether all numbers are integers; also true for booleans.
        infinite: the number of infinite values.
        mean: the mean of the finite numbers; 0 for text.
        std: the standard deviation of the finite numbers; 0 for text.
        date_form: how dates or times are written, as `date_form` returns it; None if it has none.
        odd_date: a text that is not a date, or is written otherwise, in a column whose texts are
            nearly all dates; else None.
        words: the mean number of words, separated by spaces, of texts; 0 for numbers.
        most_words: the number of words of the longest text.
        counts: how many rows have each value, the most frequent first, in a tie in sorted order; of
            text, booleans and integers, else empty.
        smallest: the smallest of the finite numbers; 0 for text.
        skewness: the third standardized moment of the finite numbers, positive if a few are much
            larger than the others; 0 for text.
        log_skewness: the skewness of the numbers' logarithms; None unless all are positive.
    """

    name: str
    type: ColumnType
    rows: int
    missing: int
    distinct: int
    counts_rows: bool = False
    whole: bool = False
    infinite: int = 0
    mean: float = 0.0
    std: float = 0.0
    date_form: str | None = None
    odd_date: str | None = None
    words: float = 0.0
    most_words: int = 0
    counts: Mapping[Any, int] = field(default_factory=dict)
    smallest: float = 0.0
    skewness: float = 0.0
    log_skewness: float | None = None

    def of_all_rows(self, rows: int, counts: Mapping[Any, int] | None) -> ColumnProfile:
        """Extend the profile of a sample of rows to the whole table.

        Args:
            rows: the number of all rows that have a value.
            counts: how many of them have each value, if these are few.
        """
        if not counts or not self.counts:
            return replace(self, rows=rows)
        return replace(self, rows=rows, distinct=len(counts), counts=_most_frequent_first(counts))

    @property
    def present(self) -> int:
        """The number of values that are not missing."""
        return self.rows - self.missing

    @property
    def may_be_codes(self) -> bool:
        """Whether whole numbers are so few that they could be codes of classes."""
        return self.whole and self.distinct <= MOST_CODES

    @property
    def holds_counts(self) -> bool:
        """Whether whole numbers are distributed as counts are, such as visits.

        They start at 0 or 1, and their distribution is skewed. If they are so few that they could
        be codes of classes, they have one peak, and the largest is rare.
        """
        if not self.whole or self.type == "boolean" or self.infinite:
            return False
        if self.smallest not in (0, 1) or self.skewness <= SKEWED_COUNTS:
            return False
        if not self.may_be_codes:
            return True
        return self.distinct >= FEWEST_COUNTS and _fall_from_a_peak(self.counts)


@dataclass(frozen=True, eq=False)
class Sampling:
    """Rows drawn at random, from which a large table is profiled.

    Attributes:
        table: these rows, with their numbers.
        rows: the number of rows of the whole table.
        size: the size of its files in bytes.
        counts: how many rows of the whole table have each value of a target of few values.
        seconds: the processor time of a pass over the table.
        in_blocks: whether the table can be read in blocks, as `data.stream` needs.
    """

    table: Table
    rows: int
    size: int
    counts: Mapping[str, Mapping[Any, int]]
    seconds: float
    in_blocks: bool


@dataclass(frozen=True)
class TableProfile:
    """A profile of a table, independent of any model.

    Attributes:
        source: the data source that reads it, as in `[data.train]` of a spec in the spec's folder:
            its type, file, target and other fields it needs.
        columns: a profile of each column, including the target, by name and in order; only rows
            with a target are counted.
        target: the name of the column to predict.
        task: the kind of target.
        unlabeled: the number of rows left out because they have no target.
        notes: remarks on how columns were read; the source declares what they suggest.
        excluded: columns that the user or the source left out, which are not in `columns`; if
            there are any, the source's key `features` must list the others.
        others: the kinds of further targets, by column.
        folds: into how many folds the user wants to divide the rows, 1 for a single split; None
            leaves it to the template.
        test: the fraction of rows that the user wants to hold out to measure the model, 0 for none;
            None leaves it to the template.
        minutes: how long the user wants to search; None leaves it to the template.
        has_copies: whether more rows are equal in all other columns than by chance.
        revealing: how the columns that alone predict a target almost perfectly do so, by column.
        sampling: the rows of a large table that the columns are profiles of; None: all of them.
        streams: whether training should read the table as a stream.
        series: what makes the table time series; None if its rows are independent.
    """

    source: Mapping[str, Any]
    columns: Mapping[str, ColumnProfile]
    target: str
    task: TargetKind
    unlabeled: int = 0
    notes: Mapping[str, ColumnNote] = field(default_factory=dict)
    excluded: tuple[str, ...] = ()
    others: Mapping[str, TargetKind] = field(default_factory=dict)
    folds: int | None = None
    test: float | None = None
    minutes: float | None = None
    has_copies: bool = False
    revealing: Mapping[str, str] = field(default_factory=dict)
    sampling: Sampling | None = None
    streams: bool = False
    series: SeriesProfile | None = None

    @property
    def targets(self) -> dict[str, TargetKind]:
        """The kind of each target by column, `target` first."""
        return {self.target: self.task, **self.others}

    def of_target(self, name: str) -> TableProfile:
        """Return the same profile with one of the targets first."""
        kinds = self.targets
        task = kinds.pop(name)
        return replace(self, target=name, task=task, others=kinds)

    @property
    def rows(self) -> int:
        """The number of rows that have a target; of a large table about."""
        return self.columns[self.target].rows

    @property
    def features(self) -> tuple[ColumnProfile, ...]:
        """All columns except the targets, in order."""
        return tuple(column for name, column in self.columns.items() if name not in self.targets)


def column_profile(name: str, column: Array, rows_of_table: int | None = None) -> ColumnProfile:
    """Return a profile of a column (n,).

    Args:
        name: the name of the column.
        column: its values.
        rows_of_table: the number of rows of the table of which they are a sample.
    """
    missing = missing_values(column)
    kind, rows, gaps = column_type(column), len(column), int(np.count_nonzero(missing))
    if kind == "text":
        counts = Counter(column[~missing].tolist())
        form = date_form(np.array(list(counts), object))
        words = {count: len(count.split()) for count in counts}
        mean = sum(words[text] * count for text, count in counts.items()) / max(rows - gaps, 1)
        return ColumnProfile(
            name,
            kind,
            rows,
            gaps,
            len(counts),
            date_form=form,
            odd_date=odd_date(list(counts)) if form is None else None,
            words=mean,
            most_words=max(words.values(), default=0),
            counts=_most_frequent_first(counts),
        )
    values, how_often = np.unique(column[~missing], return_counts=True)
    numbers = column[np.isfinite(column)].astype(float)
    whole = bool((numbers == np.floor(numbers)).all())
    positive = bool(numbers.size and numbers.min() > 0)
    with np.errstate(over="ignore"):  # of numbers near the largest
        std = float(numbers.std()) if numbers.size else 0.0
    return ColumnProfile(
        name,
        kind,
        rows,
        gaps,
        len(values),
        counts_rows=kind == "integer" and _counts_rows(column, len(values), rows_of_table),
        whole=whole,
        infinite=int(np.count_nonzero(np.isinf(column))),
        mean=float(numbers.mean()) if numbers.size else 0.0,
        std=std,
        counts=_most_frequent_first(dict(zip(values.tolist(), how_often.tolist(), strict=True)))
        if whole
        else {},
        smallest=float(numbers.min()) if numbers.size else 0.0,
        skewness=_skewness(numbers),
        log_skewness=_skewness(np.log(numbers)) if positive else None,
    )


def _most_frequent_first(counts: Mapping[Any, int]) -> dict[Any, int]:
    return dict(sorted(sorted(counts.items()), key=lambda item: -item[1]))


def _fall_from_a_peak(counts: Mapping[Any, int]) -> bool:
    """Return whether frequencies rise to a peak and fall after it, but for chance."""
    values = sorted(map(int, counts))
    peak, largest = max(counts.values()), values[-1]
    if peak < RARE_COUNTS * counts[largest] or largest > 2 * len(values):
        return False
    every = [counts.get(value, 0) for value in range(values[0], largest + 1)]
    at = every.index(peak)
    sides = every[: at + 1][::-1], every[at:]
    return all(
        further - nearer <= 2 * np.sqrt(further + nearer)
        for side in sides
        for nearer, further in pairwise(side)
    )


def _skewness(numbers: Array) -> float:
    """Return the third standardized moment; 0 if all numbers are equal or there are none."""
    if not numbers.size or np.ptp(numbers) == 0:
        return 0.0
    centered = numbers - numbers.mean()
    centered /= np.abs(centered).max()  # so that no power overflows
    variance = np.mean(centered**2)
    return float(np.mean(centered**3) / variance**1.5) if variance > 0 else 0.0


def _counts_rows(column: Array, distinct: int, rows_of_table: int | None) -> bool:
    """Return whether integers count the rows: in order, or shuffled if there are enough rows.

    Of a sample, integers that are all different must be in a range as large as the table.
    """
    if rows_of_table is not None:
        return distinct == len(column) and bool(np.ptp(column) < rows_of_table)
    if len(column) < FEWEST_SHUFFLED:
        return len(column) > 1 and bool((np.diff(column) == 1).all())
    return bool((np.diff(np.sort(column)) == 1).all())
