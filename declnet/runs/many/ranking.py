"""Specs side by side: which one is best by a metric, and what each value of a key does to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from declnet.contracts.network.directions import LOSSES, Better
from declnet.registry.spelling import closest, suggestion
from declnet.runs.many.series import RunSeries, spread
from declnet.runs.ranking import (
    DATA_SETS,
    common_directions,
    find_metric,
    main_metric,
    order_of,
    sort_key,
)
from declnet.spec.model import RunSpec
from declnet.spec.shown_values import shown
from declnet.training.metrics import directions


def check_metric(metric: str | None, specs: Sequence[RunSpec], ascending: bool | None) -> None:
    """Reject, before training, a metric that no run will have or that cannot be sorted by.

    Raises:
        ValueError: no spec has such a metric, or its better direction is unknown.
    """
    if metric is None:
        return
    known, (data, _, name) = _directions(specs), metric.partition(".")
    if metric not in known and not (data in DATA_SETS and name in known):
        names = [*(label for label in known if label not in LOSSES), *LOSSES]
        if data in DATA_SETS:
            hint = suggestion(name or metric, names, "metrics")
        else:
            dotted = [f"{data_set}.{label}" for data_set in _data_sets(specs) for label in names]
            close = closest(metric, [*names, *dotted])
            hint = suggestion(metric, names if close is None else [close], "metrics")
        raise ValueError(f'no spec has a metric "{metric}" ({hint})')
    order_of(metric if metric in known else name, known, ascending)


def _data_sets(specs: Sequence[RunSpec]) -> list[str]:
    """Return the data sets that some of the runs evaluate."""
    names = {"train"}
    for spec in specs:
        validated = ("validation",) if spec.data.folds is not None else ()
        names |= {*spec.data.sources, *spec.data.fractions, *validated}
    return [name for name in DATA_SETS if name in names]


def best_first(
    all_series: Sequence[RunSeries],
    text: str | None,
    specs: Sequence[RunSpec],
    ascending: bool | None = None,
) -> tuple[list[RunSeries], tuple[str, str] | None]:
    """Sort the series by the mean of a metric; those without it come last.

    Args:
        all_series: the series to sort.
        text: a metric accepted by `check_metric`; the main metric if None or if no run has it.
        specs: the specs of the series.
        ascending: whether the lowest mean comes first; None for the best.

    Returns:
        The series, and the metric's data set and name, or None if no run finished.
    """
    known = [metric for series in all_series for metric in series.metrics()]
    better = _directions(specs)
    metric = (find_metric(text, known) if text else None) or main_metric(known, better)
    if metric is None:
        return list(all_series), None
    first = order_of(metric[1], better, ascending)

    def key(series: RunSeries) -> float:
        values = series.metrics().get(metric)
        return sort_key(spread(values).mean if values else None, first)

    return sorted(all_series, key=key), metric


def _directions(specs: Sequence[RunSpec]) -> dict[str, Better | None]:
    return common_directions(directions(spec.heads) for spec in specs)


def main_effects(
    all_series: Iterable[RunSeries],
    metric: tuple[str, str],
    values: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, list[float]]]:
    """Return a metric of all finished runs, by each key that varies and its value as text.

    Args:
        values: the values of the keys, by the name of the spec. A key that a condition leaves out
            of a spec does not count there.
    """
    effects: dict[str, dict[str, list[float]]] = {}
    order: dict[str, dict[str, None]] = {}
    for of_spec in values.values():
        for key, value in of_spec.items():
            order.setdefault(key, {})[_value_text(value)] = None
    for series in all_series:
        for key, value in values.get(series.name, {}).items():
            of_key = effects.setdefault(key, {})
            of_key.setdefault(_value_text(value), []).extend(series.metrics().get(metric, ()))
    return {
        key: {value: effects[key][value] for value in of_key if effects.get(key, {}).get(value)}
        for key, of_key in order.items()
        if len(of_key) > 1
    }


def _value_text(value: Any) -> str:
    """Return a value as text; of a table, its type and then the other keys."""
    if not isinstance(value, Mapping):
        return str(value) if isinstance(value, str) else shown(value)
    others = (f"{key} = {shown(item)}" for key, item in value.items() if key != "type")
    return ", ".join([*([str(value["type"])] if "type" in value else []), *others])
