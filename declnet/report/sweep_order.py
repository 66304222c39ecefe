"""Which metric a sweep is compared by, and which of its series is best."""

from __future__ import annotations

from collections.abc import Sequence

from declnet.components.metric import Better
from declnet.registry.spelling import suggestion
from declnet.report.metrics import (
    DATA_SETS,
    common_directions,
    find_metric,
    main_metric,
    order_of,
    sort_key,
)
from declnet.runs.sweep.series import Series, spread
from declnet.spec.model import RunSpec
from declnet.training.metrics import LOSSES, directions


def check_metric(wanted: str | None, specs: Sequence[RunSpec], ascending: bool | None) -> None:
    """Refuse, before training, a metric that no run will have, or that cannot be sorted by.

    Raises:
        ValueError: no spec has such a metric, or it is not known which of its values are better.
    """
    if wanted is None:
        return
    known, (data, _, name) = _directions(specs), wanted.partition(".")
    if wanted not in known and not (data in DATA_SETS and name in known):
        hint = suggestion(
            name or wanted, [*(each for each in known if each not in LOSSES), *LOSSES], "metrics"
        )
        raise ValueError(f'no spec has a metric "{wanted}" ({hint})')
    order_of(wanted if wanted in known else name, known, ascending)


def best_first(
    all_series: Sequence[Series],
    wanted: str | None,
    specs: Sequence[RunSpec],
    ascending: bool | None = None,
) -> tuple[list[Series], tuple[str, str] | None]:
    """Return the series by the mean of a metric, and which metric that is.

    Args:
        all_series: those without the metric come last.
        wanted: as `check_metric` let it pass; the main metric if it is None or no run has it.
        specs: of the series.
        ascending: whether the lowest mean comes first; None: the best.

    Returns:
        The series; the data set and the name, or None if no run finished.
    """
    known = dict.fromkeys(metric for each in all_series for metric in each.figures())
    found = _directions(specs)
    metric = (find_metric(wanted, known) if wanted else None) or main_metric(known, found)
    if metric is None:
        return list(all_series), None
    first = order_of(metric[1], found, ascending)

    def key(series: Series) -> float:
        values = series.figures().get(metric)
        return sort_key(spread(values).mean if values else None, first)

    return sorted(all_series, key=key), metric


def _directions(specs: Sequence[RunSpec]) -> dict[str, Better | None]:
    return common_directions(directions(each.training.metrics) for each in specs)
