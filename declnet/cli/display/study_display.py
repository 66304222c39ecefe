"""The output of `declnet tune`: a line for each trial or the best so far, and the final tables."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from declnet.cli.display.progress import Follower
from declnet.cli.display.streams import command_output, print_line
from declnet.cli.display.terminal import is_terminal, print_table, print_wrapped
from declnet.contracts.runs.plan import Outcome
from declnet.contracts.runs.searcher import StudyTrial
from declnet.display.tables import ResultTable, format_cell, format_metric
from declnet.runs.display.group_tables import importance_table, short_keys, trials_table
from declnet.runs.display.time_left import TimeLeft, clock_text
from declnet.runs.many.group import Group
from declnet.runs.many.study import BEST, best_trials
from declnet.runs.storage.folder import UNTUNED

if TYPE_CHECKING:
    from declnet.runs.many.run_tasks import RunTask

MOST_SHOWN = 5
"""Maximum number of trials in the table above the bar."""


class StudyFollower(Follower):
    """The progress display of a study.

    Args:
        group: the study.
        runs_per_trial: the number of runs of a trial, e.g. its folds.
        quiet: as for `Follower`.
    """

    def __init__(self, group: Group, runs_per_trial: int, *, quiet: bool) -> None:
        most = group.search.keys.trials
        count = "{task.fields[done]}" + ("/{task.total:.0f}" if most is not None else "")
        super().__init__(f"trial {count}, {{task.fields[pruned]}} pruned", most, quiet=quiet)
        self.lines &= not (self._has_bar and is_terminal(command_output()))
        self._group, self._trials = group, dict[int, StudyTrial]()
        self._runs_per_trial = runs_per_trial
        self._time_left, self._began = TimeLeft(), time.monotonic()

    def add_earlier(self, trials: Sequence[StudyTrial]) -> None:
        """Add the trials of earlier processes and other machines."""
        self._trials = {trial.number: trial for trial in trials if trial.state != "running"}
        self._time_left = TimeLeft()
        self.move()

    def ended(self, trial: StudyTrial, error: str | None) -> None:
        """Show that a trial has ended."""
        self._trials[trial.number] = trial
        self.forget(self._group.trial_folder(trial.number))
        self.move()
        short = short_keys(self._group)
        settings = {
            short[key]: format_cell(value, "setting") for key, value in trial.values.items()
        }
        values = ", ".join(map("=".join, settings.items()))
        if error is not None:
            self.print(f"error: trial {trial.number}: {error} ({values})", err=True)
        elif self.lines:
            best = next(iter(best_trials(self._trials.values(), self._group.better)), None)
            result = f"{self._group.objective} {format_metric(trial.value)}"
            if trial.state == "pruned":
                result = f"pruned at {format_metric(_last(trial))}"
            known = f"; best {format_metric(best.value)}, trial {best.number}" if best else ""
            self.print(f"trial {trial.number}: {result} ({values}){known}")

    def progress(self, task: RunTask, share: float) -> None:
        """Update the progress of a trial's run; the bar does not count the spec's own values."""
        if not self._is_untuned(task.directory):
            super().progress(task, share / self._runs_per_trial)

    def _is_untuned(self, folder: Path) -> bool:
        return folder.relative_to(self._group.path).parts[0] == UNTUNED

    def run_ended(self, outcome: Outcome) -> None:
        """Show how a run of the spec's own values ended; a trial's runs are shown together."""
        if not self._is_untuned(outcome.directory):
            return
        run = outcome.directory.relative_to(self._group.path)
        objective = self._group.objective
        value = objective.value_of(outcome.metric(objective.metric))
        if outcome.error is not None:
            self.print(f"error: {run.as_posix()}: {outcome.error}", err=True)
        elif self.lines:
            self.print(f"{run.as_posix()}: {objective} {format_metric(value)}")

    def table(self) -> ResultTable | None:
        """Return the best trials so far, if one has finished."""
        table = trials_table(self._group, self._trials.values(), MOST_SHOWN)
        return replace(table, title="best so far") if table.rows else None

    def counts(self, running: float) -> dict[str, Any]:
        """Return the numbers of trials that have ended and were pruned, and the time left."""
        done = len(self._trials)
        pruned = sum(trial.state == "pruned" for trial in self._trials.values())
        return {"done": done, "pruned": pruned, "left": self._left(done + running)}

    def _left(self, done: float) -> str:
        """Return the time left: by the trials so far, or at most by the minutes of the study."""
        left = self._time_left.seconds(done, self._group.search.keys.trials)
        if self._group.file.minutes is not None:
            used = self._group.file.seconds + time.monotonic() - self._began
            most = max(0.0, 60 * self._group.file.minutes - used)
            left = most if left is None else min(left, most)
        return clock_text(left)


def print_study(group: Group) -> None:
    """Print the best trials, how much each key matters, where the best spec is, and its gain."""
    table = trials_table(group, group.trials)
    if table.rows:
        print_table(table)
    else:
        print_line(table.title)
    if group.importance:
        print_table(importance_table(group.importance))
    interrupted = sum(
        trial.state == "running" and trial.worker == group.file.worker for trial in group.trials
    )
    if (interrupted or not group.trials) and group.status == "finished" and group.file.minutes:
        trials = {0: "no trial began within", 1: "1 trial was interrupted after"}
        what = trials.get(interrupted, f"{interrupted} trials were interrupted after")
        limit = f"{group.file.minutes:g} min"
        command = f"declnet resume {quote(str(group.path))} --minutes N"
        print_line(f"{what} {limit}; to continue: {command}", wrap=False)
    for best in best_trials(group.trials, group.better)[:1]:
        value, path = format_metric(best.value), group.path / BEST
        print_line(f"best: trial {best.number}, {group.objective} {value}: {path}")
    for remark in group.remarks:
        print_wrapped(remark)


def _last(trial: StudyTrial) -> float | None:
    """Return what a trial reported last."""
    return trial.reported[max(trial.reported)] if trial.reported else None
