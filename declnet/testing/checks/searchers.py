"""Checks on searchers: values of the space, the same study again, and after a kill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from declnet import (
    Dimension,
    OpenStudy,
    RunError,
    Searcher,
    StudyContext,
    StudyTrial,
    TrialState,
    verified,
)
from declnet.testing.checking import CheckFailed, Subject, calling, check, require_available

TRIALS = 5
STEPS = 4

SPACE = (
    Dimension("optimizer", choices=("slow", "fast")),
    Dimension("optimizer.momentum", 0.0, 0.9, 0.3, conditions=(("optimizer", ("slow",)),)),
    Dimension("model.layers.0.units", 8, 64, 8),
    Dimension("training.shuffle", choices=(True, False)),
)
"""With steps, so that a searcher of all combinations takes it too."""


@dataclass
class _Study:
    """A study as one process has it: in the searcher's own storage, or as a list of trials."""

    searcher: Searcher
    context: StudyContext
    trials_here: dict[int, StudyTrial]
    storage: OpenStudy | None

    def trials(self) -> list[StudyTrial]:
        """Return all trials; raise CheckFailed if they are not what a searcher may list."""
        if self.storage is None:
            return [*self.trials_here.values()]
        with calling("trials"):
            trials = list(self.storage.trials())
        numbers = [trial.number for trial in trials]
        if not all(isinstance(trial, StudyTrial) for trial in trials) or numbers != sorted(
            set(numbers)
        ):
            raise CheckFailed("open().trials() returned no StudyTrials in the order of numbers")
        return trials

    def ask(self) -> StudyTrial | None:
        """Return a trial that a killed process left, or a new one; None if there are enough."""
        trials = self.trials()
        running = [trial for trial in trials if trial.state == "running"]
        if running or len(trials) >= TRIALS:
            return next(iter(running), None)
        number, worker = len(trials), self.context.worker
        with calling("a new trial"):
            if self.storage is not None:
                trial = self.storage.ask()
                if trial is not None:
                    self.searcher.verify_propose(trial.values, self.context)
                return trial
            values = verified(Searcher.propose, self.searcher, self.context, number, trials)
        if values is not None:
            self.trials_here[number] = StudyTrial(number, values, worker=worker)
        return self.trials_here.get(number)

    def report(self, trial: StudyTrial, step: int) -> bool:
        """Report a step; return whether to stop the trial."""
        value = _objective(trial, step)
        with calling("report or should_stop"):
            if self.storage is not None:
                return self.storage.report(trial.number, step, value)
            known = self.trials_here[trial.number]
            known = replace(known, reported={**known.reported, step: value})
            self.trials_here[trial.number] = known
            others = [other for other in self.trials() if other.number != trial.number]
            return verified(Searcher.should_stop, self.searcher, self.context, known, others)

    def carry_out(self, trial: StudyTrial) -> StudyTrial:
        """Report the steps of a trial, and its end; return how it ended."""
        stopped = any(self.report(trial, step) and step < STEPS - 1 for step in range(STEPS))
        state: TrialState = "pruned" if stopped else "finished"
        value = None if stopped else _objective(trial)
        with calling("tell"):
            if self.storage is not None:
                self.storage.tell(trial.number, state, value, 0.5)
            else:
                known = self.trials_here[trial.number]
                self.trials_here[trial.number] = replace(known, state=state, value=value)
        return replace(trial, state=state, value=value)


@contextmanager
def _opened(subject: Subject, directory: Path, trials: dict[int, StudyTrial]) -> Iterator[_Study]:
    """Open a study in a folder, which may have it already.

    Args:
        subject: the searcher.
        directory: the folder.
        trials: those of a searcher that keeps none itself.
    """
    searcher = subject.instance
    require_available(searcher)
    context = StudyContext(
        "study", directory, SPACE, "validation.loss", "lower", 3, TRIALS, STEPS, "worker"
    )
    with calling("open", skips=RunError):
        storage = verified(Searcher.open, searcher, context)
    try:
        yield _Study(searcher, context, trials, storage)
    finally:
        if storage is not None:
            storage.close()


def _objective(trial: StudyTrial, step: int = STEPS) -> float:
    """Return the objective of a trial, which no searcher knows beforehand."""
    units = float(trial.values["model.layers.0.units"])
    slow = bool(trial.values["optimizer"] == "slow")
    return abs(units - 30) / 30 + slow + 1 / (1 + step)


def _study(subject: Subject, killed: tuple[int, ...] = ()) -> list[StudyTrial]:
    """Carry out a study, and return its trials.

    Args:
        subject: the searcher.
        killed: the trials in which the process ends, once after it was proposed and once after a
            report.
    """
    trials: dict[int, StudyTrial] = {}
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        if not killed:
            with _opened(subject, directory, trials) as study:
                while (trial := study.ask()) is not None:
                    study.carry_out(trial)
                return study.trials()
        for number in range(TRIALS):
            for reports in (0, 1) if number in killed else ():
                with _opened(subject, directory, trials) as study:
                    trial = study.ask()
                    if trial is not None and reports:
                        study.report(trial, 0)
            with _opened(subject, directory, trials) as study:
                trial = study.ask()
                if trial is not None:
                    study.carry_out(trial)
        with _opened(subject, directory, trials) as study:
            return study.trials()


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
def lists_what_was_reported(subject: Subject) -> None:
    """Lists each trial with its values, and the state and objective that were reported."""
    trials: dict[int, StudyTrial] = {}
    with TemporaryDirectory() as folder:
        with _opened(subject, Path(folder), trials) as study:
            trial = study.ask()
            if trial is None:
                raise CheckFailed("it proposes no trial")
            ended = study.carry_out(trial)
        with _opened(subject, Path(folder), trials) as study:
            listed = study.trials()
    if [trial.number for trial in listed] != [0]:
        raise CheckFailed(f"after one trial it lists {len(listed)}")
    (again,) = listed
    if dict(again.values) != dict(ended.values) or (again.state, again.value) != (
        ended.state,
        ended.value,
    ):
        raise CheckFailed(
            f"a trial that ended as {ended.state} with the objective {ended.value} is listed as "
            f"{again}"
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
    lists_what_was_reported,
    repeats_a_study,
    continues_a_study,
)
