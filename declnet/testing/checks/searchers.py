"""Checks on searchers: values of the space, the same study again, and after a kill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from declnet.contracts.returned import verified, verify_as
from declnet.contracts.runs.searcher import (
    Dimension,
    OpenStudy,
    Scalar,
    Searcher,
    StudyContext,
    StudyTrial,
    TrialState,
    require_values,
)
from declnet.errors import RunError
from declnet.runs.many.studies.trial_journal import TrialJournal
from declnet.testing.check import (
    CheckFailed,
    Subject,
    calling,
    check,
    require_available,
)

TRIALS = 5
STEPS = 4

SPACE = (
    Dimension("optimizer", choices=("slow", "fast")),
    Dimension("optimizer.momentum", 0.0, 0.9, 0.3, conditions=(("optimizer", ("slow",)),)),
    Dimension("model.layers.0.units", 8, 64, 8),
    Dimension("training.shuffle", choices=(True, False)),
)
"""With steps, so that a searcher of all combinations takes it too."""


@contextmanager
def _opened(subject: Subject, directory: Path) -> Iterator[OpenStudy]:
    """Open a study in a folder, which may have it already."""
    searcher = subject.instance
    require_available(searcher)
    study = StudyContext(
        "study", directory, SPACE, "validation.loss", "lower", 3, TRIALS, STEPS, "worker"
    )
    with calling("open", skips=RunError):
        opened = verified(Searcher.open, searcher, study) or TrialJournal(searcher, study)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder)


def _ask(subject: Subject, study: OpenStudy) -> StudyTrial | None:
    with calling("a new trial"):
        trial = study.ask()
        if trial is not None:
            require = partial(require_values, space=SPACE)
            verify_as(Mapping[str, Scalar], subject.instance, "ask", trial.values, require)
    return trial


def _objective(trial: StudyTrial, step: int = STEPS) -> float:
    """Return what a trial would find: nothing that a searcher knows beforehand."""
    units = float(trial.values["model.layers.0.units"])
    return abs(units - 30) / 30 + (trial.values["optimizer"] == "slow") + 1 / (1 + step)


def _carry_out(study: OpenStudy, trial: StudyTrial) -> TrialState:
    """Report the steps of a trial, and tell its end."""
    state: TrialState = "finished"
    with calling("report or tell"):
        for step in range(STEPS):
            if study.report(trial.number, step, _objective(trial, step)):
                state = "pruned"
                break
        value = _objective(trial) if state == "finished" else None
        study.tell(trial.number, state, value, 0.5)
    return state


def _study(subject: Subject, killed: tuple[int, ...] = ()) -> list[StudyTrial]:
    """Carry out a study.

    Args:
        subject: the searcher.
        killed: the trials in which the process ends, once it was proposed and after a report.
    """
    left = TRIALS
    with _folder() as directory:
        while True:
            with _opened(subject, directory) as study:
                trial: StudyTrial | None = None
                while left:
                    trial, left = _ask(subject, study), left - 1
                    if trial is None or trial.number in killed:
                        break
                    _carry_out(study, trial)
                else:
                    trial = None
                if trial is None:
                    with calling("trials"):
                        return list(study.trials())
            with _opened(subject, directory) as study:
                study.report(trial.number, 0, _objective(trial, 0))
            with _opened(subject, directory) as study:
                _carry_out(study, trial)


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
            trial = _ask(subject, study)
            if trial is None:
                raise CheckFailed("it proposes no trial")
            state = _carry_out(study, trial)
        with _opened(subject, directory) as study, calling("trials"):
            found = list(study.trials())
    if [each.number for each in found] != [trial.number]:
        raise CheckFailed(f"after one trial it lists {len(found)}")
    (kept,) = found
    value = _objective(trial) if state == "finished" else None
    if dict(kept.values) != dict(trial.values) or (kept.state, kept.value) != (state, value):
        raise CheckFailed(
            f"a trial that ended as {state} with the objective {value} is listed as {kept}"
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
