"""Permutation importance."""

from collections.abc import Iterator

import numpy as np
from pydantic import Field

from declnet import (
    Analysis,
    AnalyzedModel,
    Diagnostic,
    ResultTable,
    RunContext,
    TableChart,
    as_loss,
)
from declnet_plugins.standard.analyses.columns import (
    chosen_features,
    drawn_samples,
    on_samples,
    unknown_columns,
)

SAMPLES = 5000


class Importance(Analysis):
    """The loss in each metric when a column's values are shuffled among samples.

    `importance = mean over repeats of loss(metric(shuffled)) - loss(metric)`, where the loss is the
    metric, its negative if higher is better, or its distance from the best value. It is positive if
    the model predicts worse without the column. A column that became several numbers is shuffled as
    a whole. Columns that tell the same share their importance, so each may seem to be unimportant.

    Source: Breiman, Random Forests, 2001; Fisher, Rudin and Dominici, All Models are Wrong, but
    Many are Useful, 2019.
    """

    type = "importance"
    examples = ({}, {"repeats": 10, "samples": 1000})

    columns: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="columns to analyze; default: all features"
    )
    repeats: int = Field(
        default=5, ge=2, le=1000, description="number of times to shuffle each column"
    )
    samples: int | None = Field(
        default=None,
        ge=2,
        description=f"number of samples to draw; default: {SAMPLES}, fewer for many columns",
    )

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require columns that exist."""
        yield from unknown_columns(self.columns or (), context, "columns")

    def analyze(self, model: AnalyzedModel) -> tuple[ResultTable, ...]:
        """Return a row for each column, the most important one first, by the loss."""
        names = chosen_features(model, self.columns)
        positions = drawn_samples(model, self.samples, SAMPLES, self.repeats * len(names))
        directions = {name: better for name, better in model.better.items() if better is not None}
        before = model.metrics(positions)
        shuffles = [model.rng.permutation(positions) for _ in range(self.repeats)]
        rows = []
        for name in names:
            column = model.columns[name]
            after = [model.metrics(positions, {name: column[order]}) for order in shuffles]
            row: list[str | float] = [name]
            for metric, better in directions.items():
                loss = as_loss(before[metric], better)
                drops = [as_loss(metrics[metric], better) - loss for metrics in after]
                row += [float(np.mean(drops)), float(np.std(drops, ddof=1))]
            rows.append(tuple(row))
        rows.sort(key=lambda row: -float(row[1]))
        titles = [title for metric in directions for title in (metric, f"{metric} sd")]
        note = (
            "How much worse each metric is with the column's values shuffled: mean and standard "
            f"deviation of {self.repeats} shuffles, on {on_samples(model, len(positions))}."
        )
        first = next(iter(directions))
        chart = TableChart("bars", "column", (first,), f"{first} sd")
        title = "Permutation importance"
        return (ResultTable(title, ("column", *titles), tuple(rows), note, chart=chart),)
