"""Which runs of a folder a table shows, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from declnet.errors import SpecError
from declnet.registry.spelling import suggestion
from declnet.report.metrics import (
    common_directions,
    find_metric,
    order_of,
    sort_key,
    stored_directions,
)
from declnet.runs.listing import ListedRun
from declnet.spec.flatten import flatten
from declnet.spec.overrides import parse_override

_BY_COLUMN: dict[str, Callable[[ListedRun], Any]] = {
    "name": lambda run: str(run.path),
    "status": lambda run: run.status,
    "epochs": lambda run: run.epochs,
    "seconds": lambda run: run.seconds if run.seconds is not None else float("inf"),
    "date": lambda run: run.started,
}


def filtered(runs: Sequence[ListedRun], conditions: Iterable[str]) -> list[ListedRun]:
    """Return the runs for which every `KEY=VALUE` holds; numbers are equal by value, 5e-1 to 0.5.

    Raises:
        ValueError: a condition is not a KEY=VALUE, or no run has its key.
    """
    left = list(runs)
    values = {id(run): {"status": run.status, **flatten(run.spec)} for run in runs}
    for text in conditions:
        try:
            condition = parse_override(text)
        except SpecError:
            raise ValueError(f'"{text}" is not a filter; write KEY=VALUE') from None
        key = condition.key
        if runs and not any(key in values[id(run)] for run in runs):
            known = {each for run in runs for each in values[id(run)]}
            raise ValueError(f'no run has the key "{key}" ({suggestion(key, known, "keys")})')
        left = [run for run in left if _same(values[id(run)].get(key), condition.value)]
    return left


def in_order(
    runs: Sequence[ListedRun],
    wanted: str | None,
    *,
    ascending: bool | None = None,
    reverse: bool = False,
) -> list[ListedRun]:
    """Return the runs by a column, or by a final metric; those without the metric come last.

    Args:
        runs: to sort.
        wanted: the column or the metric; None for the date.
        ascending: whether the lowest value comes first; None: a metric's best.
        reverse: whether to turn that order round.

    Raises:
        ValueError: no run has such a metric, or it is not known which of its values are better.
    """
    if wanted is None or wanted in _BY_COLUMN:
        backwards = (ascending is False) != reverse
        return sorted(runs, key=_BY_COLUMN[wanted or "date"], reverse=backwards)
    known = dict.fromkeys(
        (data, name) for run in runs for data, each in run.metrics.items() for name in each
    )
    metric = find_metric(wanted, known)
    if metric is None:
        if not runs:
            return []
        names = {*_BY_COLUMN, *(".".join(each) for each in known)}
        raise ValueError(f'no run has "{wanted}" ({suggestion(wanted, names, "to sort by")})')
    data, name = metric
    having = [run for run in runs if name in run.metrics.get(data, {})]
    directions = common_directions(stored_directions(run.better, run.spec) for run in having)
    first = order_of(name, directions, ascending)
    if reverse:
        first = "lower" if first == "higher" else "higher"
    return sorted(runs, key=lambda run: sort_key(run.metrics.get(data, {}).get(name), first))


def _same(found: Any, wanted: Any) -> bool:
    numbers = [type(each) in (int, float) for each in (found, wanted)]
    if all(numbers):
        return bool(found == wanted)
    return found is not None and (found == wanted if type(found) is type(wanted) else False)
