"""What the files of groups hold: distributions of metrics, and the summary of a study."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator

from declnet.contracts.network.directions import Better
from declnet.contracts.runs.searcher import StudyTrial
from declnet.contracts.serialization import Number
from declnet.display.displayed import Displayed
from declnet.runs.many.gain import Gain
from declnet.stored import Stored

Status = Literal["running", "finished", "failed"]


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts:
        raise ValueError(f'"{name}" is not a folder within this one')
    return name


Folder = Annotated[str, AfterValidator(_inside)]
"""The path of a folder within that of the group."""


@dataclass(frozen=True)
class StudySummary(Displayed):
    """A study as of its last summary.

    Attributes:
        objective: the metric, with its data set.
        better: which of its values are better; if that is a number, the value of a trial is the
            metric's distance from it.
        best: the number of the best trial.
        importance: how much each key matters to the objective; may be empty.
        gain: how much better the best trial is than the spec's own values; None if unknown.
    """

    name: str
    objective: str
    better: Better
    status: Status
    seconds: float
    best: int | None
    importance: dict[str, Number] = field(default_factory=dict)
    trials: tuple[StudyTrial, ...] = ()
    gain: Gain | None = None

    def displayed(self) -> Iterable[object]:
        """Return the trials by number, and how much better the best one is."""
        from declnet.runs.display.study_tables import summary_tables

        return summary_tables(self)


@dataclass(frozen=True)
class Spread:
    """The distribution of a metric over several runs.

    Attributes:
        standard_deviation: sample standard deviation (n - 1); None for a single run.
    """

    mean: Number
    standard_deviation: float | None
    min: Number
    max: Number


Spreads = dict[str, dict[str, Spread]]
"""The distributions of metrics by data set and name."""


STUDY_SUMMARY = Stored[StudySummary](StudySummary)
