"""Tables of a sweep: the figures of each seed and fold, and how those of several specs lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from declnet.report.figures import PARTS, ordered, shown_figure, shown_seconds
from declnet.report.terminal import print_table
from declnet.runs.sweep.series import Series, Spread, spread

_STATISTICS: tuple[tuple[str, Callable[[Spread], float | None]], ...] = (
    ("mean", lambda spread: spread.mean),
    ("standard deviation", lambda spread: spread.standard_deviation),
    ("min", lambda spread: spread.minimum),
    ("max", lambda spread: spread.maximum),
)


def print_series(series: Series) -> None:
    """A row for each seed and fold with its final figures, then their mean, deviation and range."""
    all_values = series.figures()
    figures = [each for each in ordered(all_values) if each[1] not in PARTS]
    failed = len(series.finished) < len(series.outcomes)
    labels = _labels(series)
    columns = [*labels, *(f"{data}.{name}" for data, name in figures), "seconds"]
    rows = []
    for number, run in enumerate(series.outcomes):
        values = [run.metrics.get(data, {}).get(name) for data, name in figures]
        label = [each[number] for each in labels.values()]
        rows.append([*label, *map(shown_figure, values), shown_seconds(run.seconds)])
    footer = []
    if series.finished:
        spreads = [spread(all_values[each]) for each in figures]
        seconds = spread(series.seconds())
        more = [""] * (len(labels) - 1)
        footer = [
            [
                title,
                *more,
                *(shown_figure(of(each)) for each in spreads),
                shown_seconds(of(seconds)),
            ]
            for title, of in _STATISTICS
        ]
    if failed:
        columns.insert(len(labels), "status")
        for row, run in zip(rows, series.outcomes, strict=True):
            row.insert(len(labels), run.status)
        for row in footer:
            row.insert(len(labels), "")
    print_table(None, columns, rows, frozenset(columns) - {*labels, "status"}, footer)


def _labels(series: Series) -> dict[str, list[str]]:
    """What tells the runs apart: seeds, if there are several, and folds, if there are any."""
    seeds = [str(each.seed) for each in series.outcomes]
    folds = [str(each.fold or "") for each in series.outcomes]
    if not any(folds):
        return {"seed": seeds}
    return {"seed": seeds, "fold": folds} if len(set(seeds)) > 1 else {"fold": folds}


def print_sweep(all_series: Sequence[Series], figure: tuple[str, str]) -> None:
    """A row for each spec: how one figure lies over its runs, and the seconds a run.

    Args:
        all_series: in the order of the rows.
        figure: the data set and the name.
    """
    columns = ("spec", "runs", *(title for title, _ in _STATISTICS), "seconds a run")
    rows = []
    for series in all_series:
        values, seconds = series.figures().get(figure), series.seconds()
        of_values = spread(values) if values else None
        done, all_runs = len(series.finished), len(series.outcomes)
        rows.append(
            (
                series.name,
                str(done) if done == all_runs else f"{done} of {all_runs}",
                *(shown_figure(of(of_values) if of_values else None) for _, of in _STATISTICS),
                shown_seconds(spread(seconds).mean if seconds else None),
            )
        )
    print_table(".".join(figure), columns, rows, frozenset(columns) - {"spec"})
