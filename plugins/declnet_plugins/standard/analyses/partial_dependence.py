"""Partial dependence."""

from collections.abc import Iterator

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
from declnet_plugins.standard.analyses.columns import (
    chosen_features,
    drawn_samples,
    missing,
    on_samples,
    times_of,
    unknown_columns,
)

SAMPLES = 1000
MOST_OUTPUTS = 8


class PartialDependence(Analysis):
    """The mean prediction if all samples had the same value in a column, value by value.

    `pd(v) = mean over samples of f(x with column = v)`, at quantiles of numbers and dates, and at
    the most frequent values of other text. For classes, f is the probability of each. If columns
    depend on each other, some of these samples are unlike any real one.

    Source: Friedman, Greedy Function Approximation: A Gradient Boosting Machine, 2001, section 8.2.
    """

    type = "partial_dependence"
    examples = ({}, {"columns": ["size"], "points": 5})

    columns: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="columns to show; default: the `most` on which predictions depend most, "
        "except texts that do not repeat",
    )
    points: int = Field(default=20, ge=2, le=200, description="number of values of each column")
    most: int = Field(default=10, ge=1, description="number of columns to show if none are named")
    samples: int | None = Field(
        default=None,
        ge=1,
        description=f"number of samples to draw; default: {SAMPLES}, fewer for many columns",
    )

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require columns that exist."""
        yield from unknown_columns(self.columns or (), context, "columns")

    def analyze(self, model: AnalyzedModel) -> tuple[ResultTable, ...]:
        """Return a table for each column, of the mean outputs at its values."""
        names = chosen_features(model, self.columns)
        positions = drawn_samples(model, self.samples, SAMPLES, self.points * len(names))
        dependences = []
        for name in names:
            values = _grid(model.columns[name], self.points)
            if self.columns is not None or (len(values) > 1 and _repeats(model.columns[name])):
                means = [_means(model, positions, name, value) for value in values]
                dependences.append((name, values, means))
        if not dependences:
            raise DataError("no column has several values that repeat", hint="name it in columns")
        left = 0
        if self.columns is None:
            dependences.sort(key=lambda dependence: -_spread(dependence[2]))
            dependences, left = dependences[: self.most], max(len(dependences) - self.most, 0)
        note = f"Means over {on_samples(model, len(positions))}."
        if left:
            which = "1 column on which" if left == 1 else f"{left} columns on which"
            note += f" {which} predictions depend less {'is' if left == 1 else 'are'} left out."
        return tuple(_table(*dependence, note) for dependence in dependences)


def _repeats(column: Array) -> bool:
    """Return whether a column holds numbers, dates, or texts that occur several times."""
    there = column[~missing(column)]
    often = column.dtype.kind != "O" or 2 * len(set(there.tolist())) <= len(there)
    return often or times_of(there) is not None


def _grid(column: Array, points: int) -> Array:
    """Return values of a column, in order: all, or quantiles, or the most frequent texts."""
    there = column[~missing(column)]
    (times,) = times_of(there) or (None,)
    keys = there if times is None else times
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    values: Array = there[first]
    if len(values) <= points:
        return values
    if column.dtype.kind == "O" and times is None:
        frequent: Array = values[np.sort(np.argsort(-counts, kind="stable")[:points])]
        return frequent
    shares = np.linspace(0.01, 0.99, points)
    at = np.searchsorted(np.cumsum(counts), shares * counts.sum())
    quantiles: Array = values[np.unique(np.minimum(at, len(values) - 1))]
    return quantiles


def _means(model: AnalyzedModel, positions: Array, name: str, value: object) -> dict[str, float]:
    """Return the mean of each output, by its title."""
    same = np.empty(len(positions), model.columns[name].dtype)
    same[:] = value
    by_title: dict[str, float] = {}
    for loss, outputs in model.outputs(positions, {name: same}).items():
        means = outputs.reshape(len(positions), -1).mean(axis=0)
        classes = model.class_names[loss]
        if len(means) == 1:
            titles = [f"probability of {classes[1]}" if classes else "prediction"]
        elif classes is not None and len(classes) == len(means):
            titles = [f"probability of {class_name}" for class_name in classes]
        else:
            titles = [f"output {index}" for index in range(1, len(means) + 1)]
        pairs = list(zip(titles, means.tolist(), strict=True))[:MOST_OUTPUTS]
        by_title |= {f"{loss}: {title}" if loss else title: mean for title, mean in pairs}
    return by_title


def _spread(means: list[dict[str, float]]) -> float:
    """Return the largest standard deviation of an output over the values."""
    return max(float(np.std([mean[title] for mean in means])) for title in means[0])


def _table(name: str, values: Array, means: list[dict[str, float]], note: str) -> ResultTable:
    titles = tuple(title if title != name else f"mean {title}" for title in means[0])
    rows = tuple(
        (value, *outputs.values()) for value, outputs in zip(values.tolist(), means, strict=True)
    )
    numbers = values.dtype.kind in "fiu"
    chart = TableChart("lines" if numbers else "bars", name, titles)
    return ResultTable(f"Partial dependence on {name}", (name, *titles), rows, note, chart=chart)
