"""Checks on searchers: values of the space, the same study again, and after a kill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from declnet.contracts.runs.plan import Journal, Outcome, Task
from declnet.contracts.runs.searcher import Dimension, StudyContext, StudyTrial
from declnet.errors import RunError
from declnet.registry.discovery import default_registry
from declnet.runs.many.journal import StoredJournal
from declnet.runs.many.plans import Search
from declnet.testing.check import CheckFailed, Subject, calling, check, require_available
from declnet.training.checks.tuning import Objective

TRIALS = 5
STEPS = 4

SPACE = (
    Dimension("optimizer", choices=("slow", "fast")),
    Dimension("optimizer.momentum", 0.0, 0.9, 0.3, conditions=(("optimizer", ("slow",)),)),
    Dimension("model.layers.0.units", 8, 64, 8),
    Dimension("training.shuffle", choices=(True, False)),
)
"""With steps, so that a searcher of all combinations takes it too."""


@dataclass(frozen=True)
class _Study:
    """The plan of a study and its journal, as one process has them."""

    search: Search
    journal: Journal

    def ask(self) -> Task | None:
        """Return the run of a new trial, or of one that a killed process left."""
        with calling("a new trial"):
            task = next(self.journal.running(), None) or self.search.next(self.journal)
        if not isinstance(task, Task):
            return None
        self.journal.ask(task)
        return task

    def report(self, task: Task, step: int) -> str | None:
        """Report a step, and return why the trial stops; the same again for a known one."""
        at, reason = self.journal.stops.get(task.folder, (-1, None))
        if step in self.journal.reports.get(task.folder, {}):
            return reason if step >= at else None
        self.journal.report(task, step, _objective(task, step))
        with calling("report or should_stop"):
            reason = self.search.should_stop(self.journal, task)
        if reason is not None:
            self.journal.stop(task, step, reason)
        return reason

    def carry_out(self, task: Task) -> None:
        """Report the steps of a trial, and its end."""
        reasons = (self.report(task, step) for step in range(STEPS))
        reason = next((each for each in reasons if each is not None), None)
        metrics = {"validation": {"loss": _objective(task)}}
        outcome = Outcome("study", 3, Path(task.folder), metrics, 0.5, stopped=reason)
        self.journal.end(task, outcome)
        with calling("tell"):
            self.search.read(self.journal)


@contextmanager
def _opened(subject: Subject, directory: Path) -> Iterator[_Study]:
    """Open a study in a folder, which may have it already."""
    searcher = subject.instance
    require_available(searcher)
    context = StudyContext(
        "study", directory, SPACE, "validation.loss", "lower", 3, TRIALS, STEPS, "worker"
    )
    objective = Objective("validation", "loss", "lower")
    with calling("open", skips=RunError):
        search = Search(
            context, searcher, objective=objective, epochs=STEPS, registry=default_registry()
        )
    with closing(search):
        study = _Study(search, StoredJournal(directory, {}, writes=True))
        with calling("trials"):
            search.read(study.journal)
        yield study


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder)


def _objective(task: Task, step: int = STEPS) -> float:
    """Return what a trial would find: nothing that a searcher knows beforehand."""
    units = float(task.changes["model.layers.0.units"])
    slow = bool(task.changes["optimizer"] == "slow")
    return abs(units - 30) / 30 + slow + 1 / (1 + step)


def _study(subject: Subject, killed: tuple[int, ...] = ()) -> list[StudyTrial]:
    """Carry out a study, and return its trials.

    Args:
        subject: the searcher.
        killed: the trials in which the process ends, once after it was proposed and once after a
            report.
    """
    with _folder() as directory:
        if not killed:
            with _opened(subject, directory) as study:
                while (task := study.ask()) is not None:
                    study.carry_out(task)
                with calling("trials"):
                    return list(study.search.trials())
        for number in range(TRIALS):
            for _ in range(2 if number in killed else 0):
                with _opened(subject, directory) as study:
                    task = study.ask()
                    if task is not None and study.journal.reports.get(task.folder) is None:
                        study.report(task, 0)
            with _opened(subject, directory) as study:
                task = study.ask()
                if task is not None:
                    study.carry_out(task)
        with _opened(subject, directory) as study, calling("trials"):
            return list(study.search.trials())


def _whole(subject: Subject) -> list[StudyTrial]:
    """Return the trials of a study that one process carries out, once for all checks."""
    return subject.once("study", lambda: _study(subject))


@check
def proposes_values_of_the_space(subject: Subject) -> None:
    """Proposes a value within its range for each key that applies, with numbers from 0."""
    for number, trial in enumerate(_whole(subject)):
        if (trial.number, trial.worker) != (number, "worker"):
            raise CheckFailed(
                f'trial {number} of the worker "worker" is called {trial.number}, of '
                f'"{trial.worker}"'
            )


@check
def keeps_what_it_is_told(subject: Subject) -> None:
    """Lists each trial with its values, and the state and objective that were reported."""
    with _folder() as directory:
        with _opened(subject, directory) as study:
            task = study.ask()
            if task is None:
                raise CheckFailed("it proposes no trial")
            study.carry_out(task)
            stopped = study.journal.outcomes[task.folder].stopped
        with _opened(subject, directory) as study, calling("trials"):
            found = list(study.search.trials())
    if [each.number for each in found] != [0]:
        raise CheckFailed(f"after one trial it lists {len(found)}")
    (trial,) = found
    state, value = ("finished", _objective(task)) if stopped is None else ("pruned", None)
    if dict(trial.values) != dict(task.changes) or (trial.state, trial.value) != (state, value):
        raise CheckFailed(
            f"a trial that ended as {state} with the objective {value} is listed as {trial}"
        )


@check
def repeats_a_study(subject: Subject) -> None:
    """Proposes the same trials again with the same seed."""
    _require_same(_whole(subject), _study(subject), "again")


@check
def continues_a_study(subject: Subject) -> None:
    """Proposes the same trials if the process is killed and another one continues."""
    _require_same(_whole(subject), _study(subject, (1, 3)), "when it is killed")


def _require_same(whole: list[StudyTrial], again: list[StudyTrial], when: str) -> None:
    if len(whole) != len(again):
        raise CheckFailed(f"a study of {len(whole)} trials has {len(again)} {when}")
    for one, other in zip(whole, again, strict=True):
        if (dict(one.values), one.state, one.value) != (
            dict(other.values),
            other.state,
            other.value,
        ):
            raise CheckFailed(
                f"trial {one.number} is {one.state} with {dict(one.values)}, but {when} "
                f"{other.state} with {dict(other.values)}; draw from the study's seed and the "
                "trial's number only"
            )


CHECKS = (
    proposes_values_of_the_space,
    keeps_what_it_is_told,
    repeats_a_study,
    continues_a_study,
)
