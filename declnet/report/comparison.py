"""Compares runs: what differs in their specs, how they ended, how long they took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from declnet.report.leaves import differing, leaves
from declnet.report.terminal import print_table
from declnet.runs.reading import StoredRun


def print_comparison(runs: Sequence[StoredRun]) -> None:
    """A column a run: the keys in which the specs differ, the final figures, the seconds."""
    specs = [leaves(run.spec) for run in runs]
    finals = [leaves(run.metrics) for run in runs]
    figures = list(dict.fromkeys(key for final in finals for key in final))
    rows = [["status", *(str(run.manifest.get("status")) for run in runs)]]
    rows += [[key, *(_shown(spec.get(key)) for spec in specs)] for key in differing(specs)]
    rows += [[key, *(_shown(final.get(key)) for final in finals)] for key in figures]
    rows.append(["seconds", *(_shown(run.manifest.get("seconds")) for run in runs)])
    print_table(None, ["", *(str(run.directory) for run in runs)], rows)


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
