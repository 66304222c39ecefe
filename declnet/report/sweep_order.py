"""Which figure a sweep is compared by, and which of its series is best."""

from __future__ import annotations

from collections.abc import Sequence

from declnet.registry.spelling import suggestion
from declnet.report.figures import DATA_SETS, chosen, goodness, main_figure, smaller_is_better
from declnet.report.log_line import LOSSES
from declnet.runs.sweep.series import Series, spread
from declnet.spec.run_spec import RunSpec


def check_figure(wanted: str | None, specs: Sequence[RunSpec]) -> None:
    """Refuses a figure that no run will have, before anything is trained.

    Raises:
        ValueError: no spec has such a metric.
    """
    if wanted is None:
        return
    known = [*dict.fromkeys(each.label for spec in specs for each in spec.training.metrics)]
    known += LOSSES
    data, _, name = wanted.partition(".")
    if wanted not in known and not (data in DATA_SETS and name in known):
        hint = suggestion(name or wanted, known, "figures")
        raise ValueError(f'no spec has a metric "{wanted}" ({hint})')


def best_first(
    all_series: Sequence[Series], wanted: str | None, specs: Sequence[RunSpec]
) -> tuple[list[Series], tuple[str, str] | None]:
    """The series by the mean of a figure, and which figure that is.

    Args:
        all_series: those without the figure come last.
        wanted: as `check_figure` let it pass; the main figure if it is None or no run has it.
        specs: of the series.

    Returns:
        The series; the data set and the name, or None if no run finished.
    """
    known = dict.fromkeys(figure for each in all_series for figure in each.figures())
    figure = (chosen(wanted, known) if wanted else None) or main_figure(known)
    if figure is None:
        return list(all_series), None
    types = {each.label: each.type for spec in specs for each in spec.training.metrics}
    small = smaller_is_better(types.get(figure[1], figure[1]))

    def key(series: Series) -> float:
        values = series.figures().get(figure)
        return goodness(spread(values).mean if values else None, small=small)

    return sorted(all_series, key=key), figure
