"""Drift between the training data and the data that is evaluated."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from pydantic import Field

from declnet import (
    Analysis,
    AnalyzedModel,
    Array,
    DataError,
    Diagnostic,
    ResultTable,
    RunContext,
    TableChart,
)
from declnet_plugins.standard.analyses.columns import missing, on_samples, times_of, unknown_columns

BINS = 10
MOST_LEVELS = 50
"""Number of the most frequent texts compared individually; the others are compared as one."""


class Drift(Analysis):
    """The difference between each column's distribution and the training data's.

    The population stability index is `PSI = sum of (p - q) ln(p / q)` over tenths of the training
    data's numbers and dates, or over its values of text; missing values are one more. For numbers
    and dates, the Kolmogorov-Smirnov statistic is the largest difference of the two distribution
    functions.

    Source: Siddiqi, Credit Risk Scorecards, 2006; Massey, The Kolmogorov-Smirnov Test for Goodness
    of Fit, 1951.
    """

    type = "drift"
    examples = ({}, {"columns": ["size", "city"]})

    columns: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="columns to compare; default: features and targets"
    )

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require columns that exist."""
        yield from unknown_columns(self.columns or (), context, "columns")

    def analyze(self, model: AnalyzedModel) -> tuple[ResultTable, ...]:
        """Return a row for each column, the one that differs most first."""
        training, here = model.training_columns, model.columns
        features = model.features or tuple(here)
        names = self.columns or tuple(dict.fromkeys((*features, *model.target_columns)))
        for name in names:
            if name not in here or name not in training:
                raise DataError(f'there is no column "{name}" in both data sets', code="E034")
        if not names:
            raise DataError("samples have several axes, so they have no columns to compare")
        rows = [(name, *_compared(training[name], here[name])) for name in names]
        rows.sort(key=lambda row: -row[1])
        samples, known = len(here[names[0]]), len(training[names[0]])
        usual = (BINS - 1) * (1 / samples + 1 / known)
        note = (
            f"{on_samples(model, model.samples)}, compared with {known:,} of the training data. "
            f"Without drift, PSI is about {usual:.2g} here; as a rule of thumb, below 0.1 is "
            "little and above 0.25 much."
        )
        columns = ("column", "PSI", "KS", "missing in training", "missing", "unseen")
        chart = TableChart("bars", "column", ("PSI",))
        title = "Drift from the training data"
        table = ResultTable(title, columns, tuple(rows), note, chart=chart)
        return (replace(table, kinds=dict.fromkeys(columns[3:], "share")),)


def _compared(before: Array, now: Array) -> tuple[float, float | None, float, float, float | None]:
    """Return PSI, KS of numbers and dates, and the shares of missing values and unseen texts."""
    before, now = times_of(before, now) or (before, now)
    gaps = [missing(before), missing(now)]
    values = [column[~gap] for column, gap in zip((before, now), gaps, strict=True)]
    shares = [float(gap.mean()) for gap in gaps]
    is_number = before.dtype.kind in "fiu" and now.dtype.kind in "fiu"
    statistic = unseen = None
    if is_number:
        statistic = _kolmogorov_smirnov(*values)
        counts = _counts(_edges(values[0]), values)
    else:
        texts = [[str(value) for value in part.tolist()] for part in values]
        levels, often = np.unique(np.array(texts[0], str), return_counts=True)
        frequent = levels[np.argsort(-often, kind="stable")[:MOST_LEVELS]].tolist()
        places = {level: index for index, level in enumerate(frequent)}
        counts = [
            np.bincount(
                [places.get(text, len(frequent)) for text in part], minlength=len(frequent) + 1
            )
            for part in texts
        ]
        known = set(levels.tolist())
        unseen = sum(text not in known for text in texts[1]) / max(len(texts[1]), 1)
    all_counts = [
        np.append(count, np.count_nonzero(gap)) for count, gap in zip(counts, gaps, strict=True)
    ]
    return _stability_index(*all_counts), statistic, shares[0], shares[1], unseen


def _edges(values: Array) -> Array:
    """Return the inner edges of bins of equally many values, all different."""
    if not len(values):
        return np.zeros(0)
    edges: Array = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
    return edges


def _counts(edges: Array, parts: list[Array]) -> list[Array]:
    places = (np.searchsorted(edges, part, side="right") for part in parts)
    return [np.bincount(place, minlength=len(edges) + 1) for place in places]


def _stability_index(before: Array, now: Array) -> float:
    """Return PSI of counts; half a sample is added to each, so that none is 0."""
    used = (before > 0) | (now > 0)
    shares = [(counts[used] + 0.5) / (counts[used] + 0.5).sum() for counts in (before, now)]
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


def _kolmogorov_smirnov(first: Array, second: Array) -> float | None:
    """Return the largest difference of two empirical distribution functions."""
    if not len(first) or not len(second):
        return None
    first, second = np.sort(first), np.sort(second)
    every = np.concatenate([first, second])
    below = [
        np.searchsorted(ordered, every, side="right") / len(ordered) for ordered in (first, second)
    ]
    return float(np.max(np.abs(below[0] - below[1])))
