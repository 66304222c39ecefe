"""`Training`: the one loop that trains what a plan asks for, on an executor."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import RLock
from typing import cast

from declnet.contracts.attribution import attributing_errors
from declnet.contracts.returned import BrokenContractError
from declnet.contracts.runs.callback import EpochLogged
from declnet.contracts.runs.executor import Executor, ExecutorTask, TaskUpdate, updates_of
from declnet.contracts.runs.plan import Outcome, Step, Task
from declnet.data.splits import Data
from declnet.errors import DeclnetError, RunError
from declnet.registry.registry import Registry
from declnet.runs.many import early_stops
from declnet.runs.many.answers import received
from declnet.runs.many.callbacks import finish_group, notifying_failure
from declnet.runs.many.early_stops import logged_epoch, logged_rows
from declnet.runs.many.ensemble import manifest_checksum
from declnet.runs.many.group import Group, one_model
from declnet.runs.many.local_executors import LocalExecutor, local_executor
from declnet.runs.many.plans import AnyPlan, ListedPlan, VerifiedPlan
from declnet.runs.many.run_tasks import RunTask
from declnet.runs.many.search import Search, TrialListener
from declnet.runs.session import Listener
from declnet.runs.storage.folder import HISTORY, MANIFEST, writing
from declnet.runs.storage.writing import (
    make_folder,
    remove_temporary,
)
from declnet.training.checks.tuning import study_context

SECONDS_BETWEEN_SUMMARIES = 10.0
"""Between two summaries of a study in progress."""

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
        registry: where names are looked up.
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
        journal: what was asked for and what came of it.
        jobs: how many are trained at once; None elsewhere, and before.
        warnings: why some folds have no predictions out of fold.
    """

    def __init__(
        self,
        group: Group,
        registry: Registry,
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
        self.group, self._registry = group, registry
        self._data, self._allow_changes, self._disabled = data, allow_changes, disabled
        self.follow, self.ended, self.trial_ended, self.note = follow, ended, trial_ended, note
        self.jobs: int | None = None
        self._listener = listener
        self.warnings: list[str] = []
        self._lock = RLock()
        self._began, self._before = time.monotonic(), group.file.seconds
        self._summarized, self._deadline = -math.inf, math.inf
        self.journal = group.read_journal(writes=writes)
        self.plan = self._plan_of(group)
        if self.plan.tasks() is not None:
            self._compare_with_folders()
        self._begun = list(self.journal.running())

    def _plan_of(self, group: Group) -> AnyPlan:
        if group.file.tasks is not None:
            return ListedPlan(group.tasks)
        declared = group.declared_plan(self._registry)
        if declared is not None:
            return VerifiedPlan(declared)
        spec, tuning = group.spec_of(Task("")), group.search
        keys = tuning.keys
        if keys.minutes is not None:
            self._deadline = time.time() + 60 * keys.minutes - self._before
        folds = range(1, (spec.data.folds or 0) + 1) if spec.data.is_cross_validation else (None,)
        return Search(
            study_context(spec, tuning, group.objective, group.path, group.file.worker),
            tuning.searcher,
            runs=[(seed, fold) for seed in keys.seeds or (None,) for fold in folds],
            objective=group.objective,
            epochs=spec.training.most_epochs or 1,
            registry=self._registry,
            ended=self._trial_ended,
        )

    def _compare_with_folders(self) -> None:
        """Reopen runs whose folder is gone or failed; end those that another shard has trained."""
        for task in self.plan.tasks() or ():
            outcome = None
            if (self.group.path / task.folder).exists():
                outcome = self.group.outcome_of(task)
            if outcome is None or outcome.error is not None:
                self.journal.outcomes.pop(task.folder, None)
            elif task.folder not in self.journal.outcomes:
                self.journal.ask(task)
                self.journal.end(task, outcome)

    @property
    def done(self) -> list[Outcome]:
        """The outcomes of the runs that have ended."""
        return list(self.journal.outcomes.values())

    @property
    def left(self) -> float:
        """How many runs are left; of a search at most, of another plan infinitely many."""
        tasks = self.plan.tasks()
        if tasks is not None:
            return len(tasks) - len(self.journal.outcomes)
        most = self.group.search.keys.trials if self.group.tuning is not None else None
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
        trained = False
        with notifying_failure(self.group, self._registry):
            try:
                with _marked(self.group.path) as marker, attributing_errors(self._registry):
                    # a plan that waits may have more once others have ended
                    while (first := self._next(marker)) is not None:
                        if executor is None:
                            local, self.jobs = local_executor(first, self.left, jobs)
                            executor = cast("Executor", local)  # it has the same methods
                        trained = True
                        self._execute(executor, _Tasks(first, partial(self._next, marker)))
            except KeyboardInterrupt:
                if isinstance(self.plan, Search):
                    with suppress(DeclnetError):
                        self._summarize_study({})
                raise
        if trained or self.group.status != "finished":
            self.finish()
        else:  # a kill may have come before callbacks were notified
            finish_group(self.group, self._registry)

    def close(self) -> None:
        """Release what a searcher has opened."""
        if isinstance(self.plan, Search):
            self.plan.close()

    def _next(self, marker: Path) -> RunTask | None:
        """Return the next run: one that has begun, or else what the plan asks for."""
        while time.time() < self._deadline:
            with self._lock:
                if self._begun:
                    task = self._begun.pop(0)
                else:
                    found = self.plan.next(self.journal)
                    if isinstance(found, Step):
                        return None
                    task = found
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
        stop_when = partial(self._decide, task) if self.plan.watched(task) is not None else None
        if stop_when is not None:  # reports that a kill lost, of epochs before a checkpoint
            for row in logged_rows(directory / HISTORY):
                stop_when(logged_epoch(row))
        return RunTask(
            task,
            spec,
            directory,
            marker,
            self._registry,
            self._disabled,
            self._allow_changes,
            stop_when,
            self._data,
            self._deadline,
            self.group.path / task.continues if task.continues is not None else None,
            self.follow,
            self._listener,
            self.group.checked(task),
        )

    def _trained_before(self, task: Task) -> str | None:
        """Return the folder of a finished run that a task would repeat; None without one."""
        if self.group.file.tasks is not None:
            return None  # they differ
        ended = self.journal.outcomes
        return next(
            (
                each.folder
                for each in self.journal.tasks.values()
                if each.folder != task.folder
                and each.folder in ended
                and ended[each.folder].error is None
                and each.repeats(task)
            ),
            None,
        )

    def _decide(self, task: Task, epoch: EpochLogged) -> str | None:
        """Return why a run ends after a logged epoch; the same again if it logs the epoch again."""
        value = epoch.metric(self.plan.watched(task) or "")
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
                reason = self.plan.should_stop(journal, task)
                if reason is not None:
                    journal.stop(task, epoch.epoch, reason)
            return reason

    def _end(self, task: Task, outcome: Outcome) -> None:
        """Add an outcome to the journal; a run that its deadline ended can be resumed."""
        if outcome.interrupted:
            return
        with self._lock:
            self.journal.end(task, outcome)
            if isinstance(self.plan, Search):
                self.plan.read(self.journal)
        self.ended(outcome)

    def _trial_ended(self, *ended: object) -> None:
        if time.monotonic() >= self._summarized + SECONDS_BETWEEN_SUMMARIES:
            self.group.note(seconds=self.seconds)
            self._summarize_study({})
        self.trial_ended(*ended)  # type: ignore[arg-type]  # as it was called

    def _execute(self, executor: Executor, tasks: _Tasks) -> None:
        """Carry out runs; the first one, and each that the executor takes, has an outcome."""
        waiting, polled = tasks.waiting, -math.inf
        with closing(_updates(executor, tasks)) as updates:
            for update in updates:
                run = waiting[update.task]
                if update.report is not None:
                    self._receive(executor, run, update.report, update.stop, update.task)
                elif update.answer is not None or update.failure is not None:
                    del waiting[update.task]
                    outcome = run.outcome(error=update.failure)
                    if update.answer is not None:
                        outcome = received(update.answer, run, executor)
                    if "remote" in vars(run) and run.remote is not None:
                        run.remote.end()
                    self._end(run.task, outcome)
                else:
                    self.follow(run, update.done)
                if time.monotonic() >= polled + early_stops.SECONDS_BETWEEN_POLLS:
                    for each in waiting.values():
                        if "remote" in vars(each) and each.remote is not None:
                            each.remote.poll()
                    polled = time.monotonic()
        if not waiting:
            next(tasks, None)  # if it has taken none at all
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

    def _summarize_study(self, importance: Mapping[str, float]) -> None:
        assert isinstance(self.plan, Search)  # noqa: S101  # only of a study
        self.group.write_trials(self.plan.trials(), importance)
        self._summarized = time.monotonic()

    def summarize(self) -> None:
        """Write the summary: of a study with the importance of keys, and the best spec so far."""
        if isinstance(self.plan, Search):
            self.plan.read(self.journal)
            self._summarize_study(self.plan.importance())
        elif self.journal.outcomes:
            self.group.summarize(self.outcomes(), jobs=self.jobs)

    def outcomes(self) -> list[Outcome]:
        """Return the outcomes of the runs so far, in the order of the tasks."""
        tasks = self.plan.tasks() or tuple(self.journal.tasks.values())
        known = self.journal.outcomes
        return [known[each.folder] for each in tasks if each.folder in known]

    def finish(self) -> None:
        """Record whether all runs have finished, make points predictors, and notify callbacks."""
        group = self.group
        finished = self._finish_points()
        if group.shard is None:
            is_whole = group.file.tasks is None or finished.keys() >= {
                each.folder for each in group.tasks
            }
            status = "finished" if is_whole else "failed"
            of_members = group.file.kind == "members" and is_whole
            weights = self._selected_weights() if of_members else group.file.weights
            group.note(status=status, manifests=finished, seconds=self.seconds, weights=weights)
            if of_members and group.has_folds:
                self._write_out_of_fold(group)
        self.summarize()
        if group.shard is None:
            finish_group(group, self._registry)

    def _selected_weights(self) -> dict[str, float]:
        """Return the weights of members, as declared or selected."""
        from declnet.runs.many.selection import selected_weights

        group = self.group
        if group.file.weights is not None:
            return group.file.weights
        equal = dict.fromkeys(group.points(), 1.0)
        file = group.file.model_copy(update={"weights": equal})
        alone = Group(group.path, file, self._registry).examined_alone("validation", self._data)
        return dict(zip(alone, selected_weights(list(alone.values())), strict=True))

    def _write_out_of_fold(self, folds: Group) -> None:
        from declnet.runs.inference.prediction_files import write_out_of_fold

        try:
            write_out_of_fold(folds.path, folds.out_of_fold(self._data))
        except RunError:
            raise
        except DeclnetError as error:  # the runs themselves are as good as any
            self.warnings.append(f"no predictions out of fold: {error}")

    def _finish_points(self) -> dict[str, str]:
        """Write the predictions of folds; return the checksums of manifests by the run's folder."""
        group, finished = self.group, dict[str, str]()
        for folder, outcome in self.journal.outcomes.items():
            if outcome.error is None and (group.path / folder / MANIFEST).is_file():
                finished[folder] = manifest_checksum(group.path / folder)
        group.file = group.file.model_copy(update={"manifests": finished})
        for point, tasks in group.points(of_shard=False).items():
            directory, has_folds = group.path / point, all(each.fold for each in tasks)
            if not all(each.folder in finished for each in tasks) or not one_model(tasks):
                continue
            remove_temporary(directory)
            alone = group.file.kind == "sweep" and len(tasks) == 1 and not has_folds
            file = group.point_file(point) if point and not alone else None
            if file is not None:
                file.write(directory)
            if has_folds:
                one = group if file is None else Group(directory, file, self._registry)
                self._write_out_of_fold(one)
        return finished


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


def _updates(executor: Executor, tasks: _Tasks) -> Generator[TaskUpdate]:
    if isinstance(executor, LocalExecutor):
        return executor.execute(tasks)
    return updates_of(executor, tasks, tasks.waiting)


@contextmanager
def _marked(parent: Path) -> Iterator[Path]:
    """Yield a file that a machine can see only if it has the same file system."""
    # named as temporary files are
    marker = parent.absolute() / f".executor.shared.{secrets.randbits(64)}"
    with writing(parent):
        make_folder(parent)
        remove_temporary(parent)
        marker.touch()
    try:
        yield marker
    finally:
        marker.unlink(missing_ok=True)
