"""`Training`: the one loop that trains what a plan asks for, on an executor."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Any

from declnet.contracts.attribution import attributing_errors
from declnet.contracts.returned import BrokenContractError, verified
from declnet.contracts.runs.callback import EpochLogged
from declnet.contracts.runs.executor import Executor, ExecutorTask, updates_of
from declnet.contracts.runs.plan import Outcome, Plan, Step, Task
from declnet.contracts.runs.searcher import StudyTrial
from declnet.data.splits import Data
from declnet.errors import DeclnetError
from declnet.runs.many import early_stops
from declnet.runs.many.callbacks import finish_group, notifying_failure
from declnet.runs.many.early_stops import logged_epoch, logged_rows
from declnet.runs.many.finishing import finish_points, member_weights, write_card, write_held_out
from declnet.runs.many.group import Group
from declnet.runs.many.local_executors import local_executor
from declnet.runs.many.plans import Search, TaskList, TrialListener
from declnet.runs.many.run_tasks import RunTask
from declnet.runs.many.study import best_trials, trial_point
from declnet.runs.options import Listener
from declnet.runs.storage.folder import HISTORY, UNTUNED, writing
from declnet.runs.storage.writing import make_folder, remove_temporary
from declnet.training.checks.tuning import study_context

SECONDS_BETWEEN_SUMMARIES = 10.0
"""Between two summaries of a group in progress, or longer, if they would take a fiftieth."""

Follow = Callable[[RunTask, float], object]
"""Called with a run and its completed fraction."""

OutcomeListener = Callable[[Outcome], object]
"""Called with the outcome of each run that has ended."""


def ignore(*_: object) -> None:
    """Follow nothing."""


class Training:
    """What is left to train of a group, whose folder this process has locked.

    Args:
        group: the group.
        data: data sets by name that replace those of the specs.
        allow_changes: as for `resume`.
        disabled: plugins that other processes disable.
        follow: called with each run in progress, often.
        ended: called with the outcome of each run that has ended.
        trial_ended: called with each trial of a study that has ended.
        note: called with a sentence about what is not trained again.
        listener: called with each event of the training of runs in this process.
        writes: whether to train; else the folder need not be locked.

    Attributes:
        plan: decides on the next task.
        search: the plan of a study; None for other groups.
        tasks: the tasks of the plan, if they are known in advance.
        journal: what was asked for and what came of it.
        jobs: how many are trained at once; None elsewhere, and before.
        warnings: why some folds have no predictions out of fold.
    """

    def __init__(
        self,
        group: Group,
        *,
        data: Mapping[str, Data] | None = None,
        allow_changes: bool = False,
        disabled: Sequence[str] = (),
        follow: Follow = ignore,
        ended: OutcomeListener = ignore,
        trial_ended: TrialListener = ignore,
        note: Callable[[str], object] = ignore,
        listener: Listener | None = None,
        writes: bool = True,
    ) -> None:
        self.group, self._registry = group, group.registry
        self._data, self._allow_changes, self._disabled = data, allow_changes, disabled
        self.follow, self.ended, self.trial_ended, self.note = follow, ended, trial_ended, note
        self.jobs: int | None = None
        self._listener = listener
        self.warnings: list[str] = []
        self._lock = RLock()
        self._began, self._before = time.monotonic(), group.file.seconds
        self._next_summary, self._deadline = self._began + SECONDS_BETWEEN_SUMMARIES, math.inf
        if group.file.minutes is not None:
            self._deadline = time.time() + 60 * group.file.minutes - self._before
        self.journal = group.read_journal(writes=writes)
        self.search: Search | None = None
        self.plan = self._plan()
        self.tasks = verified(Plan.tasks, self.plan)
        self._compare_with_folders()
        self._begun = list(self.journal.running())

    def _plan(self) -> Plan:
        group = self.group
        if group.file.tasks is not None:
            return TaskList(group.tasks)
        declared = group.declared_plan()
        if declared is not None:
            return declared
        spec, tuning = group.spec_of(Task("")), group.search
        folds = range(1, (spec.data.folds or 0) + 1) if spec.data.is_cross_validation else (None,)
        self.search = Search(
            study_context(spec, tuning, group.objective, group.path, group.file.worker),
            tuning.searcher,
            runs=[(seed, fold) for seed in tuning.keys.seeds or (None,) for fold in folds],
            objective=group.objective,
            epochs=spec.training.most_epochs or 1,
            registry=self._registry,
            ended=self._trial_ended,
        )
        return self.search

    def _trial_ended(self, trial: StudyTrial, error: str | None) -> None:
        self.trial_ended(trial, error)

    def _compare_with_folders(self) -> None:
        """Reopen runs whose folder is gone or failed; end those that another shard has trained."""
        for task in self.tasks or ():
            outcome = None
            if (self.group.path / task.folder).exists():
                outcome = self.group.outcome_of(task)
            if outcome is None or outcome.error is not None:
                self.journal.outcomes.pop(task.folder, None)
            elif task.folder not in self.journal.outcomes:
                self.journal.ask(task)
                self.journal.end(task, outcome)

    @property
    def left(self) -> float:
        """How many runs are left at most; infinite if nothing is known."""
        most = verified(Plan.most_tasks, self.plan)
        return math.inf if most is None else most - len(self.journal.outcomes)

    @property
    def seconds(self) -> float:
        """How long the group was trained, over all resumptions."""
        return round(self._before + time.monotonic() - self._began, 3)

    def train(self, executor: Executor | None = None, jobs: int | None = None) -> None:
        """Train what is left, and write what came of it, also if this is interrupted.

        Args:
            executor: where to train; None for this machine.
            jobs: how many runs to train at once on this machine; None for as many as its cores.

        Raises:
            ComponentError: a component of the group broke its contract.
            RunError: the executor cannot carry out tasks any longer, or a folder cannot be written.
        """
        trained, group = False, self.group
        with notifying_failure(group):
            try:
                with _marked(group.path) as marker, attributing_errors(self._registry):
                    # a waiting plan may have another task once runs have ended
                    while (first := self._next(marker)) is not None:
                        if group.status == "finished":  # a kill must not leave old results
                            group.note(status="running")
                        if executor is None:
                            executor, self.jobs = local_executor(first, self.left, jobs)
                        trained = True
                        self._execute(executor, _Tasks(first, partial(self._next, marker)))
            except KeyboardInterrupt:
                with suppress(DeclnetError):
                    self.summarize(is_final=False)
                raise
        if trained or group.status != "finished":
            self.finish()
        else:  # a kill may have come before callbacks were notified
            finish_group(group)

    def close(self) -> None:
        """Release what the plan has opened."""
        self.plan.close()

    def _next(self, marker: Path) -> RunTask | None:
        """Return the next run: one that has begun, or else what the plan asks for."""
        while time.time() < self._deadline:
            with self._lock:
                if self._begun:
                    task = self._begun.pop(0)
                else:
                    step = verified(Plan.next, self.plan, self.journal)
                    if isinstance(step, Step):
                        return None
                    task = step
                    self.journal.ask(task)
            run = self._run_of(task, marker)
            if run is not None:
                return run
        return None

    def _run_of(self, task: Task, marker: Path) -> RunTask | None:
        """Return the run of a task; None if it has an outcome without being trained."""
        directory = self.group.path / task.folder
        twin = self._trained_before(task)
        if twin is not None:
            self.note(f"{task.folder} repeats {twin}, which is not trained again")
            outcome = replace(self.journal.outcomes[twin], directory=directory, seconds=0.0)
            self._end(task, outcome)
            return None
        try:
            spec = self.group.spec_of(task)
        except DeclnetError as error:
            message = " ".join(str(error).split())
            name, seed = task.name or self.group.name, task.seed or 0
            self._end(task, Outcome(name, seed, directory, error=message, fold=task.fold))
            return None
        stop_when = None
        watched = verified(Plan.watched, self.plan, task)
        if watched is not None:  # a kill may have lost reports before a checkpoint
            stop_when = partial(self._decide, task, watched)
            for row in logged_rows(directory / HISTORY):
                stop_when(logged_epoch(row))
        return RunTask(
            task,
            spec,
            directory,
            marker,
            self._registry,
            disabled=self._disabled,
            allow_changes=self._allow_changes,
            stop_when=stop_when,
            data=self._data,
            deadline=self._deadline,
            continues=self.group.path / task.continues if task.continues is not None else None,
            follow=self.follow,
            listener=self._listener,
            checked=self.group.checked(task),
        )

    def _trained_before(self, task: Task) -> str | None:
        """Return the folder of a finished run that a task would repeat; None without one."""
        if self.tasks is not None:
            return None  # listed tasks all differ
        ended = self.journal.outcomes
        return next(
            (
                other.folder
                for other in self.journal.tasks.values()
                if other.folder != task.folder
                and other.folder in ended
                and ended[other.folder].error is None
                and other.repeats(task)
            ),
            None,
        )

    def _decide(self, task: Task, watched: str, epoch: EpochLogged) -> str | None:
        """Return why a run ends after a logged epoch; the same again if it logs the epoch again."""
        value = epoch.metric(watched)
        if not math.isfinite(value):
            return None
        with self._lock:
            journal = self.journal
            at, reason = journal.stops.get(task.folder, (-1, None))
            known = journal.reports.get(task.folder, {})
            if epoch.epoch not in known:
                journal.report(task, epoch.epoch, value)
            elif reason is not None or epoch.epoch < max(known):
                return reason if epoch.epoch >= at else None
            if reason is None:  # also if a kill came between a report and the decision
                reason = verified(Plan.should_stop, self.plan, journal, task)
                if reason is not None:
                    journal.stop(task, epoch.epoch, reason)
            return reason

    def _end(self, task: Task, outcome: Outcome) -> None:
        """Add an outcome to the journal; a run that its deadline ended can be resumed."""
        if outcome.interrupted:
            return
        with self._lock:
            self.journal.end(task, outcome)
            if time.monotonic() >= self._next_summary:
                self.group.note(seconds=self.seconds)
                self.summarize(is_final=False)
        self.ended(outcome)

    def _execute(self, executor: Executor, tasks: _Tasks) -> None:
        """Carry out runs; the first one, and each that the executor takes, has an outcome."""
        waiting, polled = tasks.waiting, -math.inf
        with closing(updates_of(executor, tasks, waiting)) as updates:
            for update in updates:
                run = waiting[update.task]
                if update.report is not None:
                    self._receive(executor, run, update.report, update.stop, update.task)
                elif update.answer is not None or update.failure is not None:
                    del waiting[update.task]
                    outcome = run.outcome(error=update.failure)
                    if update.answer is not None:
                        outcome = run.received(update.answer, executor)
                    if run.remote is not None:
                        run.remote.end()
                    self._end(run.task, outcome)
                else:
                    self.follow(run, update.done)
                if time.monotonic() >= polled + early_stops.SECONDS_BETWEEN_POLLS:
                    for run in waiting.values():
                        if run.remote is not None:
                            run.remote.poll()
                    polled = time.monotonic()
        if not waiting:
            next(tasks, None)  # for an executor that took no task
        for run in waiting.values():
            error = f'the executor "{executor.type}" ended without its answer'
            self._end(run.task, run.outcome(error=error))

    def _receive(
        self,
        executor: Executor,
        run: RunTask,
        report: str,
        stop: Callable[[str], object] | None,
        number: int,
    ) -> None:
        try:
            if run.remote is not None:
                run.remote.receive_report(report, stop)
        except (ValueError, TypeError, KeyError):
            fault = f"has a report of task {number} that is not from execute_task"
            raise BrokenContractError(executor, "execute", fault) from None

    def summarize(self, *, is_final: bool = True) -> None:
        """Write the summary: of a study with the best spec so far.

        Args:
            is_final: whether to compute the importance of keys.
        """
        began = time.monotonic()
        trials = self.trials()
        if self.search is not None:
            importance = self.search.importance() if is_final else {}
            self.group.write_trials(trials, importance, self.search.gain(self.journal))
        elif self.journal.outcomes:
            self.group.summarize(self.outcomes(), jobs=self.jobs)
        ended = time.monotonic()
        self._next_summary = ended + max(SECONDS_BETWEEN_SUMMARIES, 50 * (ended - began))

    def trials(self) -> tuple[StudyTrial, ...]:
        """Return the trials of a study so far, also of other machines; none of other groups."""
        if self.search is None:
            return ()
        self.search.read(self.journal)
        return self.search.trials()

    def outcomes(self) -> list[Outcome]:
        """Return the outcomes of the runs so far, in the order of the tasks."""
        tasks = self.tasks or tuple(self.journal.tasks.values())
        ended = self.journal.outcomes
        return [ended[task.folder] for task in tasks if task.folder in ended]

    def finish(self) -> None:
        """Record whether all runs have finished, make points predictors, and notify callbacks."""
        group = self.group
        warn = self.warnings.append
        finished = finish_points(group, self.journal, self._data, warn)
        if group.shard is None:
            folders = (
                {task.folder for task in group.tasks} if group.file.tasks is not None else set()
            )
            is_whole = folders <= finished.keys()
            ended = folders <= self.journal.outcomes.keys()  # otherwise its time limit has passed
            status = "finished" if is_whole else "failed" if ended else "running"
            changes: dict[str, Any] = {
                "status": status,
                "manifests": finished,
                "seconds": self.seconds,
            }
            if group.file.has_members and is_whole:
                changes |= member_weights(group, *self._members(), self._data, warn)
            group.file = group.file.model_copy(update=changes)
            if is_whole and group.file.weights is not None and group.has_folds:
                write_held_out(group, self._data, warn)
        self.summarize()
        if group.shard is None:  # last, since a finished group has all of its files
            group.note()
            write_card(group)
            finish_group(group)

    def _members(self) -> tuple[Sequence[str], Sequence[str]]:
        """Return the folders of members that have finished, and those to list without weight."""
        if self.search is None:
            points = list(self.group.points())
            return points, points
        best = best_trials(self.trials(), self.group.better)[:1]
        shown = [UNTUNED, *(trial_point(trial.number) for trial in best)]
        return self.search.finished_points(self.journal), shown


class _Tasks(Iterator[ExecutorTask]):
    """The tasks of an executor: exhausted while a plan waits, and perhaps not for good.

    Attributes:
        waiting: the tasks that the executor has taken and not answered, by number.
    """

    def __init__(self, first: RunTask, following: Callable[[], RunTask | None]) -> None:
        self._first: RunTask | None = first
        self._following, self._number = following, -1
        self.waiting: dict[int, RunTask] = {}

    def __next__(self) -> ExecutorTask:
        run, self._first = self._first or self._following(), None
        if run is None:
            raise StopIteration
        self._number += 1
        self.waiting[self._number] = run
        return run


@contextmanager
def _marked(parent: Path) -> Iterator[Path]:
    """Yield a file that a machine can see only if it has the same file system."""
    # named like a temporary file, so that it is removed after a kill
    marker = parent.absolute() / f".executor.shared.{secrets.randbits(64)}"
    with writing(parent):
        make_folder(parent)
        remove_temporary(parent)
        marker.touch()
    try:
        yield marker
    finally:
        marker.unlink(missing_ok=True)
