"""The comparison of runs: what differs in their specs, how they ended, how long they took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from declnet.components.metric import Better
from declnet.registry.spelling import suggestion
from declnet.report.metrics import (
    FOR_CHOICE,
    common_directions,
    find_metric,
    format_metric,
    format_seconds,
    informative,
    order_of,
    ordered,
    sort_key,
    stored_directions,
)
from declnet.report.terminal import print_table
from declnet.runs.stored_run import StoredRun
from declnet.spec.flatten import differing_keys, flatten

_SECTIONS = ("model", "optimizer", "loss", "training", "data")
"""Of a spec, in the order of how much a difference there is likely to explain."""


def print_comparison(
    runs: Sequence[StoredRun], wanted: str | None = None, ascending: bool | None = None
) -> None:
    """Print a column a run: the keys in which the specs differ, the final metrics, the seconds.

    What explains most comes first: types before their fields, keys that all runs have before those
    that only some have; validation before test and training metrics, losses last.

    Args:
        runs: in the order of the columns.
        wanted: a metric to sort the runs by instead.
        ascending: whether its lowest value comes first; None: the best.

    Raises:
        ValueError: no run has that metric, or it is not known which of its values are better.
    """
    known = informative([run.metrics for run in runs])
    directions = common_directions(
        stored_directions(run.manifest.get("better"), run.spec_tables) for run in runs
    )
    if wanted is not None:
        column = find_metric(wanted, known)
        if column is None:
            hint = suggestion(wanted, (".".join(each) for each in known), "metrics")
            raise ValueError(f'no run has the metric "{wanted}" ({hint})')
        first = order_of(column[1], directions, ascending)
        runs = sorted(runs, key=lambda run: sort_key(_value(run, column), first))
    specs = [flatten(run.spec_tables) for run in runs]
    rows = [["status", *(str(run.manifest.get("status")) for run in runs)]]
    rows += [[key, *(_shown(spec.get(key)) for spec in specs)] for key in explaining_first(specs)]
    best: set[tuple[int, int]] = set()
    for metric in ordered(known, FOR_CHOICE):
        values = [_value(run, metric) for run in runs]
        best |= {(len(rows), at + 1) for at in _best(values, directions.get(metric[1]))}
        rows.append([".".join(metric), *map(format_metric, values)])
    rows.append(["seconds", *(format_seconds(run.manifest.get("seconds")) for run in runs)])
    print_table(None, ["", *(str(run.path) for run in runs)], rows, bold=best)


def explaining_first(specs: list[dict[str, Any]]) -> list[str]:
    """Return the keys in which specs differ, those first that are likely to explain most."""

    def place(key: str) -> tuple[bool, bool, int]:
        section = key.partition(".")[0]
        rank = _SECTIONS.index(section) if section in _SECTIONS else len(_SECTIONS)
        is_type = key == "model.layers" or key.endswith(".type")
        return not is_type, not all(key in spec for spec in specs), rank

    return sorted(differing_keys(specs), key=place)


def _value(run: StoredRun, metric: tuple[str, str]) -> float | None:
    return run.metrics.get(metric[0], {}).get(metric[1])


def _best(values: Sequence[float | None], better: Better | None) -> list[int]:
    """The positions of the best value, if that is known and not all are the same."""
    keys = [sort_key(value, better) for value in values] if better is not None else []
    if not keys or min(keys) == max(keys):
        return []
    return [at for at, key in enumerate(keys) if key == min(keys)]


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
