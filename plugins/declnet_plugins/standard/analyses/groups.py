"""Metrics by group."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from pydantic import Field

from declnet import Analysis, AnalyzedModel, Array, Diagnostic, ResultTable, RunContext
from declnet_plugins.standard.analyses.columns import (
    missing,
    on_samples,
    require_column,
    shown_times,
    shown_value,
    times_of,
    unknown_columns,
)

MOST_GROUPS = 50


class Groups(Analysis):
    """The metrics for each value of a column, such as a region or a sex.

    The column need not be one that the model predicts from. Numbers and dates with more than `bins`
    distinct values are divided at their quantiles. A metric that a group leaves undefined is
    missing.
    """

    type = "groups"
    examples = ({"by": "city"}, {"by": "size", "bins": 4})

    by: str = Field(description="the column whose values divide the samples")
    bins: int = Field(
        default=10, ge=2, le=100, description="number of groups for a column of numbers or dates"
    )

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require a column that exists."""
        yield from unknown_columns((self.by,), context, "by", listed=False)

    def analyze(self, model: AnalyzedModel) -> tuple[ResultTable, ...]:
        """Return a row for each group, the largest ones if there are many, and one for all."""
        column = require_column(model, self.by)
        groups = list(_groups(column, self.bins))
        least = sorted((len(positions) for _, positions in groups), reverse=True)[:MOST_GROUPS][-1]
        shown = [group for group in groups if len(group[1]) >= least][:MOST_GROUPS]
        names = [name for name, better in model.better.items() if better is not None]
        rows: list[tuple[str | int | float, ...]] = []
        for label, positions in (*shown, ("all", None)):
            metrics = model.metrics(positions)
            count = model.samples if positions is None else len(positions)
            rows.append((label, count, count / model.samples, *(metrics[name] for name in names)))
        left = len(groups) - len(shown)
        note = f"On {on_samples(model, model.samples)}." + (
            f" {left} smaller groups are left out." if left else ""
        )
        first = (self.by, "samples", "share of samples")
        columns = (*first, *(f"metric {name}" if name in first else name for name in names))
        title = f"Metrics by {self.by}"
        return (ResultTable(title, columns, tuple(rows), note, {first[2]: "share"}),)


def _groups(column: Array, bins: int) -> Iterator[tuple[str, Array]]:
    """Yield the name of each group and its positions, in the order of its values."""
    gaps = missing(column)
    there = np.flatnonzero(~gaps)
    values, numbers = np.unique(column[there], return_inverse=True)
    times = times_of(column[there]) if len(values) > bins else None
    if len(values) > bins and (times is not None or column.dtype.kind in "fiu"):
        shares = np.linspace(0, 1, bins + 1)[1:-1]
        if times is None:
            present = column[there]
            edges = np.unique(np.quantile(present, shares))
            ends = [shown_value(edge) for edge in edges]
        else:
            (present,) = times
            edges = np.unique(np.quantile(present, shares, method="lower"))  # dates that occur
            ends = shown_times(edges)
        numbers = np.searchsorted(edges, present, side="right")
        labels = [f"below {ends[0]}"]
        labels += [f"{low} to {high}" for low, high in pairwise(ends)]
        labels += [f"{ends[-1]} and above"]
    else:
        labels = [shown_value(value) for value in values]
    order = np.argsort(numbers, kind="stable")
    cuts = np.searchsorted(numbers[order], np.arange(1, len(labels)))
    parts = np.split(there[order], cuts)[: len(labels)]  # one too many if all values are missing
    for label, present in zip(labels, parts, strict=True):
        if len(present):
            yield label, present
    if gaps.any():
        yield "missing", np.flatnonzero(gaps)
