"""Checks on searchers: values of the space, the same study again, and after a kill."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal
from zlib import crc32

import declnet
from declnet import Dimension, OpenStudy, RunError, Searcher, StudyContext, StudyTrial, verified
from declnet.testing import checking
from declnet.testing.another_process import require_same_in_another_process
from declnet.testing.checking import Subject, called, calling, check, checks_in, require

TRIALS = 4
STEPS = 3

STEPPED = (
    Dimension("optimizer", choices=("slow", "fast")),
    Dimension("optimizer.momentum", 0.0, 0.9, 0.3, conditions=(("optimizer", ("slow",)),)),
    Dimension("model.layers.0.units", 8, 64, 8),
    Dimension("training.shuffle", choices=(True, False)),
)
"""With steps, so that a searcher of all combinations takes it too."""

RANGES = (
    Dimension("optimizer.learning_rate", 1e-7, 0.3, log=True),
    Dimension("model.layers.0.units", 3, 7, log=True),
    Dimension("model.layers.1.rate", -1.0, 0.7),
    Dimension("training.batch_size", 1, 10**6, 1),
)

AT_ONCE = ((STEPS,) * TRIALS,)
"""The reports of each trial in each process of a study; here, one process carries out all."""

KILLED = ((STEPS, 0), (1,), (STEPS, 1), (STEPS, STEPS))
"""The same where processes are killed in a trial, which the next one continues."""

SHORT, LONG = ((STEPS,) * 2,), ((STEPS,) * 6,)

SEED = "draw from the study's seed and the trial's number only, and use no hash of a text"

Objective = Callable[[StudyTrial, int], float]


def _unforeseen(trial: StudyTrial, step: int) -> float:
    """Return an objective that depends on all values of a trial, in no simple way."""
    return crc32(repr(sorted(trial.values.items())).encode()) % 100 + 1 / (1 + step)


IMPROVING: dict[Literal["higher", "lower"], Objective] = {
    "higher": lambda trial, step: trial.number + step / STEPS,
    "lower": lambda trial, step: -trial.number - step / STEPS,
}
"""Objectives that are better in each trial than in all trials before it."""


@dataclass
class _StudyInMemory:
    """The study of a searcher that keeps no trials, as the study's folder keeps them."""

    searcher: Searcher
    context: StudyContext
    by_number: dict[int, StudyTrial]

    def ask(self) -> StudyTrial | None:
        number, trials = len(self.by_number), self.trials()
        values = verified(Searcher.propose, self.searcher, self.context, number, trials)
        if values is not None:
            self.by_number[number] = StudyTrial(number, values, worker=self.context.worker)
        return self.by_number.get(number)

    def trials(self) -> Sequence[StudyTrial]:
        return [*self.by_number.values()]

    def report(self, number: int, step: int, value: float) -> bool:
        reported = {**self.by_number[number].reported, step: value}
        trial = self.by_number[number] = replace(self.by_number[number], reported=reported)
        others = [other for other in self.trials() if other is not trial]
        return verified(Searcher.should_stop, self.searcher, self.context, trial, others)

    def tell(self, number: int, state: declnet.TrialState, value: Any, seconds: float) -> None:
        self.by_number[number] = replace(
            self.by_number[number], state=state, value=value, seconds=seconds
        )

    def close(self) -> None:
        """Keep the trials."""


def _study(
    subject: Subject,
    processes: tuple[tuple[int, ...], ...] = AT_ONCE,
    space: tuple[Dimension, ...] = STEPPED,
    better: Literal["higher", "lower"] = "lower",
    objective: Objective = _unforeseen,
) -> tuple[list[StudyTrial], list[StudyTrial]]:
    """Carry out a study; return its trials as they ended, and as another process lists them."""
    searcher: Searcher = subject.instance
    checking.require_available(searcher)
    by_number, ended = dict[int, StudyTrial](), dict[int, StudyTrial]()
    most = sum(steps == STEPS for trials in processes for steps in trials)
    with TemporaryDirectory() as folder:
        context = StudyContext(
            "study", Path(folder), space, "validation.loss", better, 3, most, STEPS, "worker"
        )
        for problem in called(subject, Searcher.check_study, context):
            checking.skip_unless(not problem.code.startswith("E"), problem.message)
        for trials in (*processes, ()):
            with calling("open", skips=RunError):
                storage = verified(Searcher.open, searcher, context)
            study: OpenStudy = storage or _StudyInMemory(searcher, context, by_number)  # type: ignore[assignment]
            with closing(study), calling("a method of the study"):
                for steps in trials:
                    running = [trial for trial in study.trials() if trial.state == "running"]
                    trial = running[0] if running else study.ask()
                    if trial is not None:
                        searcher.verify_propose(trial.values, context)
                        ended[trial.number] = _carried_out(study, trial, steps, objective)
                listed = [*study.trials()]
    return [*ended.values()], listed


def _carried_out(
    study: OpenStudy, trial: StudyTrial, steps: int, objective: Objective
) -> StudyTrial:
    """Report steps of a trial, and its end unless it is killed; return it as it is then."""
    for step in range(steps):
        value = objective(trial, step)
        trial = replace(trial, reported={**trial.reported, step: value})
        if study.report(trial.number, step, value) and step < STEPS - 1:
            trial = replace(trial, state="pruned")
            break
    if steps < STEPS:
        return trial
    if trial.state == "running":
        trial = replace(trial, state="finished", value=objective(trial, STEPS))
    study.tell(trial.number, trial.state, trial.value, 0.5)
    return trial


def _whole(subject: Subject) -> tuple[list[StudyTrial], list[StudyTrial]]:
    """Return a study that one process carries out, once for all checks."""
    return subject.once("study", lambda: _study(subject))


def study_by_trial(subject: Subject) -> dict[str, str]:
    """Return what must be the same of each trial of a study, as text."""
    return _by_trial(_whole(subject)[1])


def _by_trial(trials: Sequence[StudyTrial]) -> dict[str, str]:
    texts = {}
    for trial in trials:
        values, reports = (dict(sorted(pairs.items())) for pairs in (trial.values, trial.reported))
        text = f"{trial.state} with {values} and {trial.value} after reports of {reports}"
        texts[f"trial {trial.number} of {trial.worker}"] = text
    return texts


def _require_same(trials: list[StudyTrial], others: list[StudyTrial], when: str) -> None:
    expected, texts = _by_trial(trials), _by_trial(others)
    for name in expected | texts:
        one, other = (known.get(name, "not there") for known in (expected, texts))
        require(one == other, f"{name} is {one}, but {when} {other}; {SEED}")


@check
def proposes_values_of_the_space(subject: Subject) -> None:
    """Proposes a value within its range for each key that applies, with numbers from 0."""
    names = [*study_by_trial(subject)]
    expected = [f"trial {number} of worker" for number in range(len(names))]
    require(names == expected, f'the trials of the worker "worker" are {", ".join(names)}')
    with suppress(checking.CheckSkipped):  # it may need steps
        _study(subject, SHORT, RANGES)


@check
def proposes_different_values(subject: Subject) -> None:
    """Proposes other values in most trials of a large space."""
    trials = _whole(subject)[1]
    points = {repr(sorted(trial.values.items())) for trial in trials}
    fault = f"{len(trials)} trials have {len(points)} different values"
    advice = "draw from the study's seed and the trial's number"
    require(len(points) > len(trials) // 2, f"{fault}; {advice}")


@check
def lists_what_was_reported(subject: Subject) -> None:
    """Lists each trial with its values, and the state and objective that were reported."""
    ended, listed = _whole(subject)
    require(ended, "it proposes no trial")
    _require_same(ended, listed, "listed as")


@check
def repeats_a_study(subject: Subject) -> None:
    """Proposes the same trials with the same seed, also after a kill and in another process."""
    for processes, when in ((AT_ONCE, "again"), (KILLED, "when it is killed")):
        _require_same(_whole(subject)[1], _study(subject, processes)[1], when)
    require_same_in_another_process(subject, study_by_trial, SEED)


@check
def continues_the_best_trial(subject: Subject) -> None:
    """Stops no trial that is better than all others, whichever values are better."""
    for better, objective in IMPROVING.items():
        for trial in _study(subject, LONG, better=better, objective=objective)[0]:
            fault = f"it stops trial {trial.number}, which is the best so far"
            require(trial.state != "pruned", f"{fault} if {better} values are better")


CHECKS = checks_in(globals())
