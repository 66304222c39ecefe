"""Comparison of runs: the differences of their specs, their final metrics, and the best one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import TYPE_CHECKING, Any

from declnet.contracts.network.directions import as_loss
from declnet.display.displayed import Displayed
from declnet.display.tables import ResultTable
from declnet.errors import DeclnetError, OutputError
from declnet.registry.spelling import suggestion
from declnet.runs.display.results import compared_curves
from declnet.runs.display.run_tables import comparison_table
from declnet.runs.ranking import Directions, common_directions
from declnet.runs.storage.listing import ListedRun
from declnet.spec.flatten import differing_keys, flatten

if TYPE_CHECKING:
    from declnet.runs.stored_run import StoredRun


@dataclass(frozen=True, eq=False)
class Comparison(Displayed):
    """Runs side by side.

    Attributes:
        runs: the runs, in order.
        differences: the keys in which their specs differ, each with its value in each run; None if
            a run does not have the key.
        metrics: final metrics by data set and name, each with its value in each run; None if a run
            does not have it.
        better: which values of each metric are better; None if unknown, or if the runs disagree.
    """

    runs: tuple[StoredRun, ...]
    differences: dict[str, list[Any]]
    metrics: dict[str, dict[str, list[float | None]]]
    better: Directions

    def table(self) -> ResultTable:
        """Return a row per run: status, what differs in the specs, metrics, and seconds.

        A key that only some specs have, e.g. of a layer, is left out where it is a default.
        """
        hidden = _defaults_of_some(self.runs)
        runs = []
        for run in map(listed, self.runs):
            shown = {key: value for key, value in run.values.items() if key not in hidden}
            runs.append(replace(run, values=shown))
        return comparison_table(runs)

    def displayed(self) -> Iterable[object]:
        """Return a column for each run, and the losses by epoch."""
        return self.table().turned(), compared_curves(self.runs)

    def best(self, data: str, metric: str) -> StoredRun:
        """Return the run with the best value of a metric; the first of several.

        Args:
            data: `train`, `validation` or `test`.
            metric: the metric's name, e.g. `accuracy`.

        Raises:
            OutputError: no run has the metric, or it does not say which values are better.
        """
        values = self.metrics.get(data, {}).get(metric, [])
        candidates = [
            (value, run)
            for value, run in zip(values, self.runs, strict=bool(values))
            if value is not None and not isnan(value)
        ]
        if not candidates:
            known = [
                f"{in_data}.{name}" for in_data, names in self.metrics.items() for name in names
            ]
            hint = suggestion(f"{data}.{metric}", known, "metrics")
            raise OutputError(f'no run has the metric "{data}.{metric}" ({hint})')
        better = self.better.get(metric)
        if better is None:
            raise OutputError(f'which values of "{metric}" are better is unknown')
        return min(candidates, key=lambda candidate: as_loss(candidate[0], better))[1]


def _defaults_of_some(runs: Iterable[StoredRun]) -> set[str]:
    """Return the keys that only some specs have, each with its default in all of these."""
    specs, written = [], set[str]()
    for run in runs:
        specs.append(flatten(run.spec_tables).keys())
        try:
            spec = run.spec
        except DeclnetError:  # only its components know their defaults
            return set()
        chosen = spec.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        written.update(flatten(chosen))
    return set[str]().union(*specs).difference(set[str](specs[0]).intersection(*specs), written)


def compared(runs: Sequence[StoredRun]) -> Comparison:
    """Compare runs.

    Raises:
        SpecError: a run's spec cannot be read.
        OutputError: a run's metrics cannot be read.
    """
    specs = [flatten(run.spec_tables) for run in runs]
    names: dict[str, dict[str, None]] = {}
    for run in runs:
        for data, values in run.metrics.items():
            names.setdefault(data, {}).update(dict.fromkeys(values))
    return Comparison(
        tuple(runs),
        {key: [spec.get(key) for spec in specs] for key in differing_keys(specs)},
        {
            data: {name: [run.metrics.get(data, {}).get(name) for run in runs] for name in in_data}
            for data, in_data in names.items()
        },
        common_directions(run.better for run in runs),
    )


def listed(run: StoredRun) -> ListedRun:
    """Return the facts of a run that tables of several runs show."""
    manifest = run.manifest
    return ListedRun(
        run.path,
        run.status,
        manifest.started,
        manifest.seconds,
        manifest.epochs or 0,
        run.metrics,
        manifest.better,
        intact=True,
        values=flatten(run.spec_tables),
    )
