"""The result of several runs of one spec."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from declnet.contracts.runs.plan import Task
from declnet.errors import DataError
from declnet.runs.many.documents import Spread
from declnet.runs.many.group import Group
from declnet.runs.many.series import RunSeries
from declnet.runs.result import RunResult
from declnet.runs.stored_run import open_run


class GroupResult(RunResult):
    """The result of several runs of one spec: folds or seeds, used as one model.

    What only one run has, e.g. its history, is that of each of its `members`.

    Attributes:
        group: their folder.
    """

    def __init__(self, group: Group, series: RunSeries) -> None:
        self.__dict__.update(
            group=group,
            directory=group.path,
            series=series,
            seconds=group.file.seconds,
            registry=group.registry,
            spec=group.spec_of(Task("")),
        )

    group: Group
    series: RunSeries

    @cached_property
    def members(self) -> tuple[RunResult, ...]:
        """The result of each run, in order."""
        folders = (self.group.path / task.folder for task in self.group.tasks)
        return tuple(RunResult.stored(open_run(folder, self.registry)) for folder in folders)

    @cached_property
    def spreads(self) -> dict[str, dict[str, Spread]]:
        """The distribution of each metric over the runs, by data set and name."""
        return self.series.spreads()

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """The mean of each metric over the runs, by data set and name."""
        return {
            data: {name: spread.mean for name, spread in spreads.items()}
            for data, spreads in self.spreads.items()
        }

    @cached_property
    def predictor(self) -> Any:
        """The models of all runs as one, which averages their predictions."""
        return self.group.predictor()

    @property
    def _opened(self) -> Group:
        return self.group

    def __getattr__(self, name: str) -> Any:
        """Raise DataError for an attribute of a single run's result."""
        if name.startswith("_"):
            raise AttributeError(name)
        count = len(self.group.tasks)
        raise DataError(
            f"the result is of {count} runs, not of one", hint="use one of its `members`"
        )

    def _repr_html_(self) -> str:
        return self.group._repr_html_()
