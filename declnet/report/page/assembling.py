"""From stored runs to a page's content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from declnet.registry.registry import Registry
from declnet.report.leaves import differing, leaves
from declnet.report.page.charts.curves import curve_charts
from declnet.report.page.content import Page, Table
from declnet.report.page.numbers import ABSENT, shown_duration, shown_number, shown_time
from declnet.report.page.predictions.figures import SETS
from declnet.report.page.run_figures import run_figures
from declnet.runs.reading import StoredRun
from declnet.spec.shown import shown

MOST_RUNS = 8
"""Runs that are shown one by one; the curves and tables have all."""


def assemble(runs: Sequence[StoredRun], registry: Registry) -> Page:
    """The content of the page of one run or several."""
    labelled = dict(zip(_labels(runs), runs, strict=True))
    several = len(runs) > 1
    shown_runs = list(labelled.items())[:MOST_RUNS]
    first = runs[0].manifest.get("name", runs[0].directory.name)
    return Page(
        title=f"{len(runs)} runs compared" if several else str(first),
        made=shown_time(datetime.now(UTC).isoformat()),
        final=_several_final(labelled) if several else _final(runs[0]),
        curves=curve_charts({label: run.history for label, run in labelled.items()}),
        differences=_differences(labelled) if several else None,
        runs=tuple(run_figures(run, label, registry) for label, run in shown_runs),
        left_out=len(runs) - len(shown_runs),
    )


def _labels(runs: Sequence[StoredRun]) -> list[str]:
    """The folders' names, or their paths where these are the same; numbered if they are, too."""
    names = [run.directory.resolve().name for run in runs]
    paths = [str(run.directory) for run in runs]
    labels = [
        path if names.count(name) > 1 else name for name, path in zip(names, paths, strict=True)
    ]
    return [
        f"{label} ({index + 1})" if labels.count(label) > 1 else label
        for index, label in enumerate(labels)
    ]


def _final(run: StoredRun) -> Table | None:
    sets = [name for name in reversed(SETS) if name in run.metrics]
    figures = dict.fromkeys(figure for name in sets for figure in run.metrics[name])
    if not sets:
        return None
    rows = tuple(
        (figure.replace("_", " "), *(shown_number(run.metrics[name].get(figure)) for name in sets))
        for figure in figures
    )
    return Table("Figures of the finished model", ("figure", *sets), rows)


def _several_final(runs: Mapping[str, StoredRun]) -> Table:
    keys = dict.fromkeys(
        (name, figure)
        for name in SETS
        for run in runs.values()
        for figure in run.metrics.get(name, {})
        if not figure.endswith("_loss")
    )
    rows = []
    for label, run in runs.items():
        seconds = run.manifest.get("seconds")
        took = shown_duration(seconds) if isinstance(seconds, int | float) else ABSENT
        figures = (shown_number(run.metrics.get(name, {}).get(figure)) for name, figure in keys)
        rows.append((label, str(run.manifest.get("status", ABSENT)), *figures, took))
    columns = (
        "run",
        "status",
        *(f"{name} {figure.replace('_', ' ')}" for name, figure in keys),
        "time",
    )
    return Table("Figures of the finished models", columns, tuple(rows))


def _differences(runs: Mapping[str, StoredRun]) -> Table:
    sides = [leaves(run.spec) for run in runs.values()]
    rows = tuple(
        (key, *(shown(side[key]) if key in side else ABSENT for side in sides))
        for key in differing(sides)
    )
    return Table("What differs between the specs", ("key", *runs), rows)
