"""The data of the page of many runs, compact, and the page."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from declnet import Better, ResultTable, as_loss, class_name
from declnet_plugins.report.drawing import NOT_DRAWN
from declnet_plugins.report.many.reported import ReportedRun, main_metric, read_history
from declnet_plugins.report.page.formatting import format_time
from declnet_plugins.report.page.rendering import render_page

MOST_CURVES = 200
"""Maximum number of runs whose curves the page holds: the best ones."""

MOST_POINTS = 60
"""Maximum number of points of a curve."""

MOST_WITHOUT_SCRIPTS = 20

DIGITS = 6
"""Significant digits of a number."""


def many_runs_page(
    title: str,
    runs: Sequence[ReportedRun],
    importance: Mapping[str, float] | None = None,
    objective: str | None = None,
    remarks: Sequence[str] = (),
) -> str:
    """Return the HTML of a page of many runs.

    Args:
        title: the page's heading, e.g. the folder's name.
        runs: at least one; those of a study have the value `trial`, by which its history is drawn.
        importance: of a study, how much each key matters to its objective, from 0 to 1.
        objective: of a study, the metric to rank its runs by.
        remarks: sentences on the study, e.g. how much better the best trial is.
    """
    time = format_time(datetime.now(UTC).isoformat())
    return render_page(
        "many.html",
        ("theme.js", "print.js", "scale.js", "many.js"),
        ("many.css",),
        title=title,
        generated=time,
        count=len(runs),
        statuses=Counter(run.status for run in runs),
        best=_best_table(runs, objective),
        history=any("trial" in run.values for run in runs),
        importance=sorted((importance or {}).items(), key=lambda item: -item[1]),
        remarks=remarks,
        data=page_data(runs, objective),
    )


def _best_table(runs: Sequence[ReportedRun], objective: str | None) -> ResultTable:
    """Return the best runs, for readers without scripts."""
    metric = main_metric(runs, objective)
    better = {name: direction for run in runs for name, direction in run.better.items()}
    keys = distinct(key for run in runs for key in run.values)
    columns = ("run", "status", *keys, *([metric] if metric else []))
    rows = []
    for at in _best_first(runs, metric, better)[:MOST_WITHOUT_SCRIPTS]:
        run = runs[at]
        values = [plain(run.values.get(key)) for key in keys]
        values += [run.metrics.get(metric)] if metric else []
        rows.append((run.name, run.status, *values))
    return ResultTable(
        "The best runs", columns, tuple(rows), kinds=dict.fromkeys(columns[2:], "setting")
    )


def page_data(runs: Sequence[ReportedRun], objective: str | None = None) -> dict[str, Any]:
    """Return what the page's script reads: columns, with repeated values as numbers of a list."""
    metric = main_metric(runs, objective)
    names = distinct(name for run in runs for name in run.metrics)
    better = {name: direction for run in runs for name, direction in run.better.items()}
    order = _best_first(runs, metric, better)
    folders = [run.name.rpartition("/")[0] for run in runs]
    return {
        "folders": coded(folders),
        "names": coded([run.name.rpartition("/")[2] for run in runs]),
        "status": coded([run.status for run in runs]),
        "keys": [
            {"name": key, **coded([plain(run.values.get(key)) for run in runs])}
            for key in distinct(key for run in runs for key in run.values)
        ],
        "metrics": [
            {
                "name": name,
                "better": better.get(name),
                "values": [_rounded(run.metrics.get(name)) for run in runs],
            }
            for name in names
        ],
        "seconds": [_rounded(run.seconds) for run in runs],
        "metric": metric,
        "curves": _curves(runs, order[:MOST_CURVES]),
    }


def _best_first(
    runs: Sequence[ReportedRun], metric: str | None, better: Mapping[str, Better]
) -> list[int]:
    """Return the positions of the runs, the best first, those without the metric last."""
    first = better.get(metric or "", "lower")

    def place(at: int) -> tuple[bool, float]:
        value = runs[at].metrics.get(metric or "")
        known = value is not None and math.isfinite(value)
        return not known, as_loss(value, first) if known and value is not None else 0.0

    return sorted(range(len(runs)), key=place)


def _curves(runs: Sequence[ReportedRun], chosen: Sequence[int]) -> dict[str, Any]:
    """Return the histories of some runs by position: epochs, and values by the metric's number."""
    histories = {at: read_history(runs[at], MOST_POINTS) for at in sorted(chosen)}
    keys = distinct(key for rows in histories.values() for row in rows for key in row)
    keys = [key for key in keys if key not in NOT_DRAWN]
    return {
        "keys": keys,
        "runs": {
            str(at): [
                [row["epoch"] for row in rows],
                *([_rounded(row.get(key)) for row in rows] for key in keys),
            ]
            for at, rows in histories.items()
            if rows
        },
    }


def coded(values: Sequence[Any]) -> dict[str, list[Any]]:
    """Return the distinct values, numbers in order, and the number of each value."""
    distinct = {repr(value): value for value in values}
    if all(value is None or _is_number(value) for value in distinct.values()):
        distinct = dict(
            sorted(distinct.items(), key=lambda item: (item[1] is not None, item[1] or 0))
        )
    number = {key: at for at, key in enumerate(distinct)}
    return {"values": [*distinct.values()], "codes": [number[repr(value)] for value in values]}


def plain(value: Any) -> float | int | str | None:
    """Return a number or text; of a table, its type and then the other keys."""
    if value is None or isinstance(value, str) or _is_number(value):
        return value if not isinstance(value, float) or math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        others = [f"{key} = {item}" for key, item in value.items() if key != "type"]
        return ", ".join([*([str(value["type"])] if "type" in value else []), *others])
    return class_name(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rounded(value: Any) -> float | None:
    if not _is_number(value) or not math.isfinite(value):
        return None
    rounded = float(f"{value:.{DIGITS}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def distinct(values: Iterable[str]) -> list[str]:
    """Return values without repetitions, in order."""
    return [*dict.fromkeys(values)]
