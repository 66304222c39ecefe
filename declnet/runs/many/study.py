"""The summary of a study: its trials, as far as its folder has them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from declnet.contracts.network.directions import Better, Direction, as_loss
from declnet.contracts.runs.plan import Task
from declnet.contracts.runs.searcher import Scalar, Searcher, StudyTrial
from declnet.contracts.serialization import Number
from declnet.display.displayed import Displayed
from declnet.errors import OutputError, SpecError
from declnet.runs.many.gain import Gain
from declnet.runs.many.group_file import Status
from declnet.runs.many.group_folder import GroupFolder
from declnet.runs.storage.folder import SUMMARY, TRIALS, read_json, writing
from declnet.runs.storage.writing import write_atomically
from declnet.spec.model import RunSpec, resolved_toml
from declnet.spec.tuning import Tuning
from declnet.stored import Stored
from declnet.training.checks.tuning import Objective, objective_of

BEST = "best.toml"

LEAST_FINISHED = 10
"""Finished trials below which the importance of keys would be little but noise."""


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
        from declnet.runs.display.group_tables import summary_tables

        return summary_tables(self)


STUDY_SUMMARY = Stored[StudySummary](StudySummary)


class Study(GroupFolder):
    """The folder of a study, as far as its summary has the trials."""

    @property
    def search(self) -> Tuning:
        """What is searched; raises OutputError if the group is not a study."""
        if self.tuning is None:
            raise OutputError(f"{self.path}: the folder of a {self.file.kind}, not of a study")
        return self.tuning

    @cached_property
    def objective(self) -> Objective:
        """What is improved.

        Raises:
            SpecError: the spec is no longer valid.
        """
        objective, problems = objective_of(self.spec_of(Task("")), self.search)
        if objective is None:
            raise SpecError(problems)
        return objective

    @property
    def better(self) -> Direction:
        """Whether higher or lower values of the objective are better."""
        return self.objective.direction

    @cached_property
    def summary(self) -> StudySummary | None:
        """The content of a study's `summary.json`; None before there is one.

        Raises:
            OutputError: it cannot be read.
        """
        path = self.path / SUMMARY
        exists = self.file.kind == "study" and path.is_file()
        return read_json(path, STUDY_SUMMARY) if exists else None

    @property
    def trials(self) -> tuple[StudyTrial, ...]:
        """All trials by number, including trials of other folders, as of the last summary.

        Raises:
            OutputError: the summary cannot be read.
        """
        return self.summary.trials if self.summary is not None else ()

    @property
    def best_trial(self) -> StudyTrial | None:
        """The best finished trial; None without one."""
        return next(iter(best_trials(self.trials, self.better)), None)

    @property
    def importance(self) -> dict[str, float]:
        """How much each key matters to the objective, as of the last summary; may be empty."""
        return self.summary.importance if self.summary is not None else {}

    @property
    def gain(self) -> Gain | None:
        """How much better the best trial is than the spec's own values, as of the last summary."""
        return self.summary.gain if self.summary is not None else None

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences below the tables of a study: on the importance of keys, and on its gain."""
        searcher, finished = self.search.searcher, len(best_trials(self.trials, self.better))
        cannot_tell = (
            type(searcher).importance is Searcher.importance
            and type(searcher).open is Searcher.open
        )
        few = f"what each key matters: from {LEAST_FINISHED} finished trials on, {finished} so far"
        gain = self.gain.sentence(str(self.objective)) if self.gain is not None else ""
        return tuple(filter(None, ("" if cannot_tell or finished >= LEAST_FINISHED else few, gain)))

    def trial_folder(self, number: int) -> Path:
        """Return the folder of a trial; it is not there if another machine trained it."""
        return self.path / trial_point(number)

    def trial_spec(self, values: Mapping[str, Scalar]) -> RunSpec:
        """Return the spec of a trial, with the study's name.

        Raises:
            SpecError: the values do not go together.
        """
        return self.spec_of(Task("", values))

    def write_trials(
        self, trials: Sequence[StudyTrial], importance: Mapping[str, float], gain: Gain | None
    ) -> None:
        """Write what is known of all trials, and the spec of the best one.

        Args:
            trials: the trials.
            importance: how much each key matters.
            gain: how much better the best trial is than the spec's own values.

        Raises:
            RunError: it cannot be written.
        """
        best = next(iter(best_trials(trials, self.better)), None)
        content = StudySummary(
            self.file.name,
            self.objective.metric,
            self.objective.better,
            self.file.status,
            self.file.seconds,
            best.number if best is not None else None,
            dict(importance),
            tuple(trials),
            gain,
        )
        self.write_summary(STUDY_SUMMARY.write(content))
        self.__dict__.pop("summary", None)
        if best is not None:
            self._write_best(best, len(trials))

    def _write_best(self, trial: StudyTrial, count: int) -> None:
        """Write the spec of the best trial, with a comment that says where it comes from."""
        keys = ", ".join(dimension.key for dimension in self.search.space)
        text = (
            f"# Trial {trial.number} of the study {self.path.resolve().name}, the best of "
            f"{count}: {self.objective} = {trial.value:.6g}\n"
            f"# {time.strftime('%Y-%m-%d')}, found by declnet tune; it searched {keys}\n\n"
            f"{resolved_toml(self.trial_spec(trial.values))}"
        )
        with writing(self.path / BEST):
            write_atomically(self.path / BEST, text.encode())


def trial_point(number: int) -> str:
    """Return the folder of a trial, inside the study's folder."""
    return f"{TRIALS}/{number:04}"


def best_trials(trials: Iterable[StudyTrial], better: Direction) -> list[StudyTrial]:
    """Return the finished trials, the best first; of equal ones, the first."""
    done = [trial for trial in trials if trial.state == "finished" and trial.value is not None]
    return sorted(done, key=lambda trial: (as_loss(trial.value or 0.0, better), trial.number))
