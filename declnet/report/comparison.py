"""Compares runs: what differs in their specs, how they ended, how long they took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from declnet.registry.spelling import suggestion
from declnet.report.figures import (
    FOR_CHOICE,
    chosen,
    goodness,
    metric_type,
    ordered,
    shown_figure,
    shown_seconds,
    smaller_is_better,
    telling,
)
from declnet.report.terminal import print_table
from declnet.runs.stored_run import StoredRun
from declnet.spec.flatten import differing_keys, flatten

_SECTIONS = ("model", "optimizer", "loss", "training", "data")
"""Of a spec, in the order of how much a difference there is likely to explain."""


def print_comparison(runs: Sequence[StoredRun], wanted: str | None = None) -> None:
    """A column a run: the keys in which the specs differ, the final figures, the seconds.

    What explains most comes first: types before their fields, keys that all runs have before those
    that only some have; validation before test and training figures, metrics before losses.

    Args:
        runs: in the order of the columns.
        wanted: a figure that puts the best run first instead.

    Raises:
        ValueError: no run has that figure.
    """
    known = telling([run.metrics for run in runs])

    def small(name: str) -> bool:
        return smaller_is_better(metric_type(name, (run.spec_tables for run in runs)))

    if wanted is not None:
        first = chosen(wanted, known)
        if first is None:
            hint = suggestion(wanted, (".".join(each) for each in known), "figures")
            raise ValueError(f'no run has the figure "{wanted}" ({hint})')
        runs = sorted(runs, key=lambda run: goodness(_value(run, first), small=small(first[1])))
    specs = [flatten(run.spec_tables) for run in runs]
    rows = [["status", *(str(run.manifest.get("status")) for run in runs)]]
    rows += [[key, *(_shown(spec.get(key)) for spec in specs)] for key in explaining_first(specs)]
    best: set[tuple[int, int]] = set()
    for figure in ordered(known, FOR_CHOICE):
        values = [_value(run, figure) for run in runs]
        best |= {(len(rows), at + 1) for at in _best(values, small=small(figure[1]))}
        rows.append([".".join(figure), *map(shown_figure, values)])
    rows.append(["seconds", *(shown_seconds(run.manifest.get("seconds")) for run in runs)])
    print_table(None, ["", *(str(run.path) for run in runs)], rows, bold=best)


def explaining_first(specs: list[dict[str, Any]]) -> list[str]:
    """The keys in which specs differ, those first that are likely to explain most."""

    def place(key: str) -> tuple[bool, bool, int]:
        section = key.partition(".")[0]
        rank = _SECTIONS.index(section) if section in _SECTIONS else len(_SECTIONS)
        is_type = key == "model.layers" or key.endswith(".type")
        return not is_type, not all(key in spec for spec in specs), rank

    return sorted(differing_keys(specs), key=place)


def _value(run: StoredRun, figure: tuple[str, str]) -> float | None:
    return run.metrics.get(figure[0], {}).get(figure[1])


def _best(values: Sequence[float | None], *, small: bool) -> list[int]:
    """The positions of the best value, if not all are the same."""
    keys = [goodness(value, small=small) for value in values]
    return [] if min(keys) == max(keys) else [at for at, key in enumerate(keys) if key == min(keys)]


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
