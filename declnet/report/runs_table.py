"""The table of the runs in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from declnet.report.metrics import PARTS, format_metric, format_seconds, ordered
from declnet.report.terminal import print_table
from declnet.runs.listing import ListedRun


def print_runs(runs: Sequence[ListedRun]) -> None:
    """Print a row for each run: status, epochs, final metrics, seconds, and when it began."""
    metrics = [
        each
        for each in ordered(
            (data, name) for run in runs for data, values in run.metrics.items() for name in values
        )
        if each[1] not in PARTS
    ]
    columns = [
        "name",
        "status",
        "epochs",
        *(".".join(each) for each in metrics),
        "seconds",
        "date",
    ]
    rows = [
        (
            str(run.path),
            run.status,
            _epochs(run),
            *(format_metric(run.metrics.get(data, {}).get(name)) for data, name in metrics),
            format_seconds(run.seconds),
            _date(run.started),
        )
        for run in runs
    ]
    print_table(None, columns, rows, frozenset(columns) - {"name", "status", "date"})


def as_data(run: ListedRun) -> dict[str, Any]:
    """Return a run as `--format json` has it."""
    return {
        "name": str(run.path),
        "status": run.status,
        "epochs": run.epochs,
        "metrics": run.metrics,
        "seconds": run.seconds,
        "started": run.started,
    }


def _epochs(run: ListedRun) -> str:
    """How many were trained, and of how many if that is not all."""
    training = run.spec.get("training")
    planned = training.get("epochs") if isinstance(training, dict) else None
    return str(run.epochs) if planned in (None, run.epochs) else f"{run.epochs} of {planned}"


def _date(started: str) -> str:
    """In local time, to the minute; whatever is no time as it stands."""
    try:
        return datetime.fromisoformat(started).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return started
