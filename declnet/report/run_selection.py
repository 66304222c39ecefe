"""Which runs of a folder a table shows, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from declnet.errors import SpecError
from declnet.registry.spelling import suggestion
from declnet.report.figures import chosen, goodness, metric_type, smaller_is_better
from declnet.runs.listing import ListedRun
from declnet.spec.flatten import flatten
from declnet.spec.override import parse_override

_BY_COLUMN: dict[str, Callable[[ListedRun], Any]] = {
    "name": lambda run: str(run.path),
    "status": lambda run: run.status,
    "epochs": lambda run: run.epochs,
    "seconds": lambda run: run.seconds if run.seconds is not None else float("inf"),
    "date": lambda run: run.started,
}


def filtered(runs: Sequence[ListedRun], conditions: Iterable[str]) -> list[ListedRun]:
    """The runs for which every `KEY=VALUE` holds; numbers are equal by value, 5e-1 to 0.5.

    Raises:
        ValueError: a condition is none, or no run has its key.
    """
    left = list(runs)
    values = {id(run): {"status": run.status, **flatten(run.spec)} for run in runs}
    for text in conditions:
        try:
            condition = parse_override(text)
        except SpecError:
            raise ValueError(f'"{text}" is no filter; write KEY=VALUE') from None
        key = condition.key
        if runs and not any(key in values[id(run)] for run in runs):
            known = {each for run in runs for each in values[id(run)]}
            raise ValueError(f'no run has the key "{key}" ({suggestion(key, known, "keys")})')
        left = [run for run in left if _same(values[id(run)].get(key), condition.value)]
    return left


def in_order(
    runs: Sequence[ListedRun], wanted: str | None, *, reverse: bool = False
) -> list[ListedRun]:
    """The runs by a column, or the best first by a final figure; those without it come last.

    Raises:
        ValueError: no run has such a figure.
    """
    if wanted is None or wanted in _BY_COLUMN:
        return sorted(runs, key=_BY_COLUMN[wanted or "date"], reverse=reverse)
    known = dict.fromkeys(
        (data, name) for run in runs for data, each in run.metrics.items() for name in each
    )
    figure = chosen(wanted, known)
    if figure is None:
        if not runs:
            return []
        names = {*_BY_COLUMN, *(".".join(each) for each in known)}
        raise ValueError(f'no run has "{wanted}" ({suggestion(wanted, names, "to sort by")})')
    data, name = figure
    small = smaller_is_better(metric_type(name, (run.spec for run in runs)))

    def key(run: ListedRun) -> float:
        return goodness(run.metrics.get(data, {}).get(name), small=small != reverse)

    return sorted(runs, key=key)


def _same(found: Any, wanted: Any) -> bool:
    numbers = [type(each) in (int, float) for each in (found, wanted)]
    if all(numbers):
        return bool(found == wanted)
    return found is not None and (found == wanted if type(found) is type(wanted) else False)
