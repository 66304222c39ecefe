"""A study in progress: trials are proposed, stopped early, and told to the searcher."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean

from declnet.contracts.attribution import attributing_errors, named_component
from declnet.contracts.returned import verified, verify_as
from declnet.contracts.runs.callback import EpochLogged
from declnet.contracts.runs.searcher import (
    OpenStudy,
    Searcher,
    StudyTrial,
    TrialState,
    require_values,
)
from declnet.data.splits import Data
from declnet.errors import ComponentError, DeclnetError, error_summary
from declnet.registry.registry import Registry
from declnet.runs.many.ensembles.ensemble import is_ensemble
from declnet.runs.many.ensembles.recording import begin_ensemble, finish_ensemble, has_begun
from declnet.runs.many.execution.tasks import Outcome, Task, tasks_of
from declnet.runs.many.groups.callbacks import finish_group
from declnet.runs.many.studies.stored_study import StoredStudy, best_of
from declnet.runs.many.studies.trial_journal import TrialJournal
from declnet.runs.session import StopWhen
from declnet.spec.model import RunSpec, fit_name
from declnet.training.checks.tuning import study_context

PRUNED = "pruned"
"""How the reason begins why the training of a trial ended early."""

SECONDS_BETWEEN_SUMMARIES = 10.0

Ended = Callable[[StudyTrial, str | None], None]
"""Called with each trial that has ended here, and the error of a failed one."""


@dataclass(eq=False)
class _ActiveTrial:
    """A trial in progress: its runs, which are trained one after another."""

    trial: StudyTrial
    directory: Path
    spec: RunSpec
    tasks: list[Task] = field(default_factory=list)
    reported: dict[int, float] = field(default_factory=dict)
    pruned: bool = False
    outcomes: list[Outcome] = field(default_factory=list)


class StudyRunner:
    """A study in progress: an iterator of tasks, whose outcomes it gets back.

    A trial of several runs has one of them in progress at a time, so that it can be stopped before
    the next one.

    Args:
        stored: the study's folder, which this process has locked.
        registry: where names are looked up.
        ended: called with each trial that has ended.
        data: data sets by name that replace those of the spec.
        allow_changes: as for `resume`.
    """

    def __init__(
        self,
        stored: StoredStudy,
        registry: Registry,
        ended: Ended = lambda _trial, _error: None,
        data: Mapping[str, Data] | None = None,
        *,
        allow_changes: bool = False,
    ) -> None:
        self._stored, self._registry, self._ended = stored, registry, ended
        self._allow_changes, self._data = allow_changes, data
        self._keys, self._objective = stored.tuning.keys, stored.objective
        self._context = study_context(
            stored.spec, stored.tuning, self._objective, stored.path, stored.worker
        )
        self._searcher = stored.tuning.searcher
        with self._asking():
            opened = verified(Searcher.open, self._searcher, self._context)
        self._search: OpenStudy = opened or TrialJournal(self._searcher, self._context)
        before, minutes = stored.content.seconds, self._keys.minutes
        self._began = time.monotonic() - before
        self._deadline = math.inf if minutes is None else time.time() + 60 * minutes - before
        self._summarized = -math.inf
        self._active: dict[Path, _ActiveTrial] = {}
        self._waiting: deque[_ActiveTrial] = deque()
        self._left = [
            each
            for each in self.trials()
            if each.state == "running" and each.worker == stored.worker
        ]

    def __iter__(self) -> Iterator[Task]:
        """Return itself."""
        return self

    def __next__(self) -> Task:
        """Return the next run: of a trial that has begun, or else of a new one.

        After the minutes of the study, nothing begins, and runs in progress are interrupted.
        """
        if time.time() >= self._deadline:
            raise StopIteration
        while not self._waiting:
            trial = self._next_trial()
            if trial is None:
                raise StopIteration
            self._begin(trial)
        active = self._waiting.popleft()
        task = active.tasks[len(active.outcomes)]
        self._active[task.directory] = active
        return task

    def trials(self) -> tuple[StudyTrial, ...]:
        """Return all trials of the study by number, without those that were one too many."""
        most = self._keys.trials
        with self._asking():
            found = self._search.trials()
        return tuple(each for each in found if most is None or each.number < most)

    @property
    def seconds(self) -> float:
        """The time that the study has taken, over all resumptions."""
        return time.monotonic() - self._began

    def finished(self, outcome: Outcome) -> None:
        """Take the outcome of a run; tell the searcher if its trial has ended."""
        active = self._active.pop(outcome.directory)
        if outcome.interrupted:  # its trial is still in progress for whoever resumes the study
            return
        active.outcomes.append(outcome)
        value: float | None = None
        state: TrialState = "running"
        error = outcome.error
        if error is not None:
            state = "failed"
        elif (outcome.stopped or "").startswith(PRUNED):
            state = "pruned"
        elif active.pruned and len(active.outcomes) < len(active.tasks):
            state = "pruned"  # of a run elsewhere, which ended before it heard of that
        elif len(active.outcomes) == len(active.tasks):
            value, state = fmean(map(self._value, active.outcomes)), "finished"
            if not math.isfinite(value):
                value, state, error = None, "failed", f"{self._objective} is not finite"
        if state == "running":
            self._waiting.appendleft(active)
            return
        if is_ensemble(active.directory):
            done = active.tasks[: len(active.outcomes)]
            if len(done) < len(active.tasks):
                begin_ensemble(active.directory, active.spec, done)
            finish_ensemble(active.directory, self._registry, self._data)
        seconds = sum(each.seconds or 0.0 for each in active.outcomes)
        trial = replace(active.trial, state=state, value=value, seconds=round(seconds, 3))
        self._end(replace(trial, reported=active.reported), error)

    def finish(self) -> None:
        """Write the summary and the best spec, and that the study is finished; tell callbacks."""
        self._stored.note(status="finished", seconds=round(self.seconds, 3))
        self.summarize()
        finish_group(self._stored.path, self._stored.spec.training.callbacks, self._registry)

    def summarize(self) -> None:
        """Write the summary, with the importance of keys, and the best spec so far."""
        with self._asking():
            importance = verify_as(
                Mapping[str, float], self._searcher, "importance", self._search.importance()
            )
        self._write_summary(importance)

    def interrupted(self) -> None:
        """Write the summary so far, without what takes long; it can be rebuilt at any time."""
        with suppress(DeclnetError):
            self._write_summary({})

    def _write_summary(self, importance: Mapping[str, float]) -> None:
        trials = self.trials()
        self._stored.write_summary(trials, importance)
        best = best_of(trials, self._objective.better)
        if best is not None:
            self._stored.write_best(best)
        self._summarized = time.monotonic()

    def close(self) -> None:
        """Release what the searcher has opened."""
        self._search.close()

    def _next_trial(self) -> StudyTrial | None:
        """Return a trial that was in progress when a process was killed, or else a new one."""
        if self._left:
            return self._left.pop(0)
        most = self._keys.trials
        if most is not None and len(self.trials()) >= most:
            return None
        with self._asking():
            trial: StudyTrial | None = verify_as(
                StudyTrial | None, self._searcher, "open", self._search.ask(), self._require_values
            )
        if trial is None:
            return None
        if most is not None and trial.number >= most:  # another machine asked meanwhile
            self._tell(replace(trial, state="failed"))
            return None
        return trial

    def _require_values(self, trial: StudyTrial | None) -> None:
        if trial is not None:
            require_values(trial.values, self._context.space)

    def _begin(self, trial: StudyTrial) -> None:
        """Prepare the runs of a trial; one whose values do not go together has failed."""
        directory = self._stored.trial_folder(trial.number)
        try:
            spec = self._stored.spec_of(trial)
        except DeclnetError as error:
            self._end(replace(trial, state="failed", seconds=0.0), " ".join(str(error).split()))
            return
        name = fit_name(f"{spec.name}-{trial.number:04}")
        spec = spec.model_copy(update={"name": name})
        tasks = tasks_of(spec, self._keys.seeds, directory, self._data)
        active = _ActiveTrial(trial, directory, spec)
        epochs = spec.training.most_epochs or 1
        for number, each in enumerate(tasks):
            stop_when, may_change = self._stop_when(active, number, epochs), self._allow_changes
            active.tasks.append(
                replace(
                    each,
                    resumes=True,
                    allow_changes=may_change,
                    stop_when=stop_when,
                    deadline=self._deadline,
                )
            )
        if tasks[0].directory != directory and not has_begun(directory):
            begin_ensemble(directory, spec, active.tasks)
        self._waiting.append(active)

    def _stop_when(self, active: _ActiveTrial, run: int, epochs: int) -> StopWhen | None:
        """Return what reports a run's logged epochs, together with the runs before it."""
        name, number = self._objective.in_history, active.trial.number
        if name is None:
            return None

        def stop_when(epoch: EpochLogged) -> str | None:
            value = fmean([*map(self._value, active.outcomes), epoch.metric(name)])
            if not math.isfinite(value):
                return None
            step = run * epochs + epoch.epoch
            with self._asking():
                stop = self._search.report(number, step, value)
            active.reported[step] = value
            is_last = run + 1 == len(active.tasks) and epoch.epoch + 1 >= epochs
            if not stop or is_last:
                return None
            active.pruned = True
            return f"{PRUNED}: {self._objective} of {value:.4g} is behind other trials"

        return stop_when

    def _value(self, outcome: Outcome) -> float:
        return float(outcome.metrics[self._objective.data][self._objective.name])

    def _tell(self, trial: StudyTrial) -> None:
        with self._asking():
            self._search.tell(trial.number, trial.state, trial.value, trial.seconds or 0.0)

    def _end(self, trial: StudyTrial, error: str | None) -> None:
        """Tell the searcher of a trial that has ended, and show it."""
        self._tell(trial)
        self._stored.note(seconds=round(self.seconds, 3))
        if time.monotonic() >= self._summarized + SECONDS_BETWEEN_SUMMARIES:
            self._write_summary({})
        self._ended(trial, error)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Name the searcher in its errors."""
        try:
            with attributing_errors(self._registry):
                yield
        except (DeclnetError, KeyboardInterrupt):
            raise
        except Exception as error:
            name = named_component(type(self._searcher), self._registry)
            raise ComponentError(f"{name} raised {error_summary(error)}") from error
