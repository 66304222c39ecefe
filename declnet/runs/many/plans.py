"""The plans of groups: a list of tasks, and a search, whose policy is a searcher."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain, islice, zip_longest
from pathlib import PurePosixPath
from statistics import fmean
from typing import Any, TypeVar, get_type_hints

from declnet.contracts.annotations import parsed
from declnet.contracts.attribution import attributing_errors, named_component
from declnet.contracts.returned import verified, verify_as
from declnet.contracts.runs.plan import DONE, WAIT, Journal, Outcome, Plan, Step, Task
from declnet.contracts.runs.searcher import (
    OpenStudy,
    Scalar,
    Searcher,
    StudyContext,
    StudyTrial,
    TrialState,
    require_order,
    require_values,
)
from declnet.errors import ComponentError, DeclnetError, error_summary
from declnet.registry.registry import Registry
from declnet.runs.many.gain import Gain, gain_of
from declnet.runs.many.study import LEAST_FINISHED, best_trials, trial_point
from declnet.runs.storage.folder import UNTUNED
from declnet.training.checks.tuning import Objective

PRUNED = "pruned"
"""How the reason begins why the training of a trial ended early."""

T = TypeVar("T")

TrialListener = Callable[[StudyTrial, str | None], object]
"""Called with each trial that has ended here, and the error of a failed one."""


class TaskList(Plan):
    """The plan of folds, seeds and the points of a sweep, which are known in advance."""

    type = "tasks"
    _tasks: Sequence[Task] = ()

    def __init__(self, tasks: Sequence[Task]) -> None:
        super().__init__()
        self._tasks = tasks

    def tasks(self) -> Sequence[Task]:
        """See `Plan.tasks`."""
        return self._tasks

    def next(self, journal: Journal) -> Task | Step:
        """Return the first task that is not in the journal, usually after as many as it has."""
        number = len(journal.tasks)
        likely = self._tasks[number : number + 1]
        for task in chain(likely, self._tasks):
            if task.folder not in journal.tasks:
                return task
        return DONE


@dataclass(eq=False)
class _Trial:
    """A trial of this folder: its runs, of which one is in progress at a time.

    Attributes:
        known: the trial as others see it.
        reported: the objective by step, which grows.
        tasks: its runs, in order.
        outcomes: those of the runs that have ended.
    """

    known: StudyTrial
    reported: dict[int, float]
    tasks: Sequence[Task]
    outcomes: list[Outcome] = field(default_factory=list)


class Search(Plan):
    """The plan of a study.

    The runs of the spec's own values come first, unknown to the searcher, to compare trials with.
    A trial of several runs has one of them in progress at a time, so that it can be stopped before
    the next one. The search keeps what it has read of the journal, so each call looks at what is
    new.

    Args:
        context: what is known of the study.
        searcher: proposes the trials.
        runs: the seed and fold of each run of a trial, None for those of the spec.
        objective: what is improved.
        epochs: the most epochs of a run.
        registry: where distributions are looked up, for errors of the searcher.
        ended: called with each trial that has ended.
    """

    type = "search"

    def __init__(
        self,
        context: StudyContext,
        searcher: Searcher,
        *,
        runs: Sequence[tuple[int | None, int | None]] = ((None, None),),
        objective: Objective,
        epochs: int = 1,
        registry: Registry,
        ended: TrialListener = lambda _trial, _error: None,
    ) -> None:
        super().__init__()
        self._context, self._searcher, self._registry = context, searcher, registry
        self._runs, self._objective, self._epochs = runs, objective, epochs
        self._untuned = self._tasks_of(UNTUNED, {})
        self._ended = ended
        self._trials: dict[int, _Trial] = {}
        self._active: dict[int, _Trial] = {}
        self._by_folder: dict[str, _Trial] = {}
        self._read_tasks = self._read_outcomes = 0
        self._listed: Sequence[StudyTrial] = ()
        with self._naming_searcher():
            opened = verified(Searcher.open, searcher, context)
        self._keeps_journal = opened is None
        self._study: OpenStudy = opened or _JournalStudy(self._trials, searcher, context)

    @property
    def runs_per_trial(self) -> int:
        """The number of runs of a trial that is not stopped early."""
        return len(self._runs)

    def most_tasks(self) -> int | None:
        """See `Plan.most_tasks`."""
        most = self._context.trials
        return (most + 1) * self.runs_per_trial if most is not None else None

    def next(self, journal: Journal) -> Task | Step:
        """See `Plan.next`."""
        self.read(journal)
        begun = (trial.tasks[len(trial.outcomes)] for trial in self._active.values())
        for task in chain(self._untuned, begun):
            if task.folder not in journal.tasks:
                return task
        new = self._next_trial()
        if new is not None:
            return self._begin(new).tasks[0]
        return WAIT if self._active else DONE

    def watched(self, task: Task) -> str | None:
        """See `Plan.watched`."""
        return self._objective.in_history if task.point != UNTUNED else None

    def should_stop(self, journal: Journal, task: Task) -> str | None:
        """See `Plan.should_stop`."""
        self.read(journal)
        trial = self._by_folder[task.folder]
        epoch = next(reversed(journal.reports[task.folder]))
        step, value = self._add_report(journal, trial, task, epoch)
        stop = self._ask(OpenStudy.report, trial.known.number, step, value)
        is_last = task.folder == trial.tasks[-1].folder and epoch + 1 >= self._epochs
        if not stop or is_last:
            return None
        return f"{PRUNED}: {self._objective} of {value:.4g} is behind other trials"

    def trials(self) -> tuple[StudyTrial, ...]:
        """Return all trials of the study by number, without those beyond the maximum."""
        most = self._context.trials
        trials = self._ask(OpenStudy.trials, promised=Sequence, meaning=self._require_trials)
        return tuple(trial for trial in trials if most is None or trial.number < most)

    def importance(self) -> Mapping[str, float]:
        """Return how much each key matters to the objective; empty after few trials."""
        importance = self._ask(OpenStudy.importance)
        finished = best_trials(self.trials(), self._objective.direction)
        return importance if len(finished) >= LEAST_FINISHED else {}

    def gain(self, journal: Journal) -> Gain | None:
        """Return the gain of the best trial; None before it is known."""
        ended, direction = journal.outcomes, self._objective.direction
        best = next(iter(best_trials(self.trials(), direction)), None)
        if best is None or best.value is None:
            return None
        if any(task.folder not in ended for task in self._untuned):
            return None
        untuned = [self._value(ended[task.folder]) for task in self._untuned]
        tasks = self._trials[best.number].tasks if best.number in self._trials else ()
        runs = [self._value(ended[task.folder]) for task in tasks]
        return gain_of(untuned, best.value, runs, direction)

    def finished_points(self, journal: Journal) -> list[str]:
        """Return the folders of the untuned spec and the trials here that have an objective."""
        ended = [journal.outcomes.get(task.folder) for task in self._untuned]
        is_known = all(run is not None and math.isfinite(self._value(run)) for run in ended)
        untuned = [UNTUNED] if is_known else []
        trials = (trial.known for trial in self._trials.values())
        finished = [trial.number for trial in trials if trial.state == "finished"]
        return [*untuned, *map(trial_point, sorted(finished))]

    def close(self) -> None:
        """Release what the searcher has opened."""
        self._ask(OpenStudy.close)

    def read(self, journal: Journal) -> None:
        """Process the tasks and outcomes that are new in the journal."""
        if (len(journal.tasks), len(journal.outcomes)) == (self._read_tasks, self._read_outcomes):
            return
        replays = self._read_tasks == 0 and bool(journal.tasks)
        unknown = self._running_elsewhere(self.trials()) if replays else {}
        for task in islice(journal.tasks.values(), self._read_tasks, None):
            if task.point == UNTUNED:
                continue
            if task.folder not in self._by_folder:
                number = int(task.point.rpartition("/")[2])
                self._begin(StudyTrial(number, task.changes, worker=self._context.worker))
            trial = self._by_folder[task.folder]
            for epoch in journal.reports.get(task.folder, {}):
                step, value = self._add_report(journal, trial, task, epoch)
                if trial.known.number in unknown:  # a kill may have kept it from the storage
                    self._ask(OpenStudy.report, trial.known.number, step, value)
        for folder, outcome in islice(list(journal.outcomes.items()), self._read_outcomes, None):
            if journal.tasks[folder].point == UNTUNED:
                continue
            ended = self._end(self._by_folder[folder], outcome, is_stopped=folder in journal.stops)
            if ended is not None and not replays:
                self._ended(*ended)
        self._read_tasks, self._read_outcomes = len(journal.tasks), len(journal.outcomes)

    def _require_trials(self, trials: Sequence[Any]) -> None:
        """Raise Misfit unless these are trials in order; verify only what has changed."""
        for trial, before in zip_longest(trials, self._listed[: len(trials)]):
            if trial is None or trial != before:
                parsed(StudyTrial).read(trial)
        require_order(trials)
        self._listed = tuple(trials)

    def _running_elsewhere(self, known: Sequence[StudyTrial]) -> dict[int, StudyTrial]:
        """Return the trials of this folder that are running according to the searcher's storage."""
        if self._keeps_journal:
            return {}
        worker = self._context.worker
        return {
            trial.number: trial
            for trial in known
            if trial.worker == worker and trial.state == "running"
        }

    def _next_trial(self) -> StudyTrial | None:
        """Return a trial that the searcher's storage has and the journal lacks, or a new one."""
        most, known = self._context.trials, self.trials()
        for number, running in self._running_elsewhere(known).items():
            if number not in self._trials:
                return running
        if most is not None and len(known) >= most:
            return None
        trial = self._ask(OpenStudy.ask, meaning=self._require_values)
        if trial is not None and most is not None and trial.number >= most:
            self._ask(OpenStudy.tell, trial.number, "failed", None, 0.0)
            return None  # another machine has asked in the meantime
        return trial

    def _require_values(self, trial: StudyTrial | None) -> None:
        if trial is not None:
            require_values(trial.values, self._context.space)

    def _begin(self, known: StudyTrial) -> _Trial:
        tasks = self._tasks_of(trial_point(known.number), known.values)
        reported: dict[int, float] = {}
        trial = _Trial(replace(known, reported=reported), reported, tasks)
        self._trials[known.number] = self._active[known.number] = trial
        self._by_folder |= {task.folder: trial for task in tasks}
        return trial

    def _tasks_of(self, point: str, values: Mapping[str, Scalar]) -> list[Task]:
        """Return the runs of a trial, or of the untuned spec, in their folder."""
        name = f"{self._context.name}-{PurePosixPath(point).name}"
        return [
            Task(run_folder(point, seed, fold), values, seed, fold, point, name)
            for seed, fold in self._runs
        ]

    def _add_report(
        self, journal: Journal, trial: _Trial, task: Task, epoch: int
    ) -> tuple[int, float]:
        """Add a report; return the step of the trial, and the mean of the objective so far."""
        number = [run.folder for run in trial.tasks].index(task.folder)
        before = [self._value(journal.outcomes[run.folder]) for run in trial.tasks[:number]]
        step = number * self._epochs + epoch
        value = self._objective.value_of(journal.reports[task.folder][epoch])
        trial.reported[step] = fmean([*before, value])
        return step, trial.reported[step]

    def _value(self, outcome: Outcome) -> float:
        return self._objective.value_of(outcome.metric(self._objective.metric))

    def _end(
        self, trial: _Trial, outcome: Outcome, *, is_stopped: bool
    ) -> tuple[StudyTrial, str | None] | None:
        """Add the outcome of a run; if its trial has ended, notify the searcher and return it."""
        trial.outcomes.append(outcome)
        value: float | None = None
        state: TrialState = "running"
        error, has_ended = outcome.error, len(trial.outcomes) == len(trial.tasks)
        if error is not None:
            state = "failed"
        elif (outcome.stopped or "").startswith(PRUNED) or (is_stopped and not has_ended):
            state = "pruned"  # also a run elsewhere that ended before the decision reached it
        elif has_ended:
            value, state = fmean(map(self._value, trial.outcomes)), "finished"
            if not math.isfinite(value):
                value, state, error = None, "failed", f"{self._objective} is not finite"
        if state == "running":
            return None
        seconds = round(sum(run.seconds or 0.0 for run in trial.outcomes), 3)
        trial.known = replace(trial.known, state=state, value=value, seconds=seconds)
        del self._active[trial.known.number]
        self._ask(OpenStudy.tell, trial.known.number, state, value, seconds)
        return trial.known, error

    def _ask(
        self,
        method: Callable[..., T],
        *arguments: object,
        promised: Any = None,
        meaning: Callable[[T], object] | None = None,
    ) -> T:
        """Call a method of `OpenStudy`; verify its result, unless the study is the journal.

        Args:
            method: the method of the protocol.
            arguments: its arguments.
            promised: the type of the result; default: that of the annotation.
            meaning: raises Misfit for a result that is not allowed.
        """
        name = method.__name__
        with self._naming_searcher():
            result: T = getattr(self._study, name)(*arguments)
            if not self._keeps_journal:
                called, promised = f"open().{name}", promised or _result_of(method)
                result = verify_as(promised, self._searcher, called, result, meaning)
        return result

    @contextmanager
    def _naming_searcher(self) -> Iterator[None]:
        """Name the searcher in its errors."""
        try:
            with attributing_errors(self._registry):
                yield
        except (DeclnetError, KeyboardInterrupt):
            raise
        except Exception as error:
            name = named_component(type(self._searcher), self._registry)
            raise ComponentError(f"{name} raised {error_summary(error)}") from error


@lru_cache(maxsize=16)
def _result_of(method: Callable[..., object]) -> Any:
    """Return the type that a method of `OpenStudy` promises; each epoch asks for one."""
    return get_type_hints(method)["return"]


class _JournalStudy:
    """The trials in the journal, for a searcher without a storage."""

    def __init__(
        self, trials: Mapping[int, _Trial], searcher: Searcher, context: StudyContext
    ) -> None:
        self._trials, self._searcher, self._context = trials, searcher, context

    def ask(self) -> StudyTrial | None:
        """See `OpenStudy.ask`."""
        number = len(self._trials)
        values = verified(Searcher.propose, self._searcher, self._context, number, self.trials())
        if values is None:
            return None
        return StudyTrial(number, values, worker=self._context.worker)

    def trials(self) -> Sequence[StudyTrial]:
        """See `OpenStudy.trials`."""
        return tuple(trial.known for trial in self._trials.values())

    def report(self, number: int, _step: int, _value: float) -> bool:
        """See `OpenStudy.report`."""
        others = [trial.known for trial in self._trials.values() if trial.known.number != number]
        known = self._trials[number].known
        return verified(Searcher.should_stop, self._searcher, self._context, known, others)

    def tell(self, number: int, state: TrialState, value: float | None, seconds: float) -> None:
        """See `OpenStudy.tell`; the journal has recorded it."""

    def importance(self) -> Mapping[str, float]:
        """See `OpenStudy.importance`."""
        return verified(Searcher.importance, self._searcher, self._context, self.trials())

    def close(self) -> None:
        """See `OpenStudy.close`."""


def run_folder(point: str, seed: int | None, fold: int | None) -> str:
    """Return the folder of a run, `<point>/seed-<seed>/fold-<fold>`, without what is None."""
    parts = [point, "" if seed is None else f"seed-{seed}", "" if fold is None else f"fold-{fold}"]
    return "/".join(part for part in parts if part)
