"""The output of `declnet tune`: a line for each trial or the best so far, and the final tables."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from declnet.cli.display.progress import STEP, print_above, progress_bar
from declnet.cli.display.streams import command_output, print_line
from declnet.cli.display.terminal import is_terminal, print_table, rich_table
from declnet.contracts.runs.searcher import StudyTrial
from declnet.display.tables import format_cell, format_metric
from declnet.runs.display.group_tables import (
    importance_table,
    short_keys,
    trials_table,
)
from declnet.runs.many.group import Group
from declnet.runs.many.study import BEST, best_trials

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID
    from rich.table import Table

    from declnet.runs.many.run_tasks import RunTask

MOST_SHOWN = 5
"""Maximum number of trials in the table above the bar."""


class StudyFollower:
    """The progress display of a study.

    Args:
        stored: the study.
        bar: the bar and its task; None for no bar.
        lines: whether to print a line for each trial that has ended.
    """

    def __init__(self, stored: Group, bar: tuple[Progress, TaskID] | None, *, lines: bool) -> None:
        self._stored, self._bar, self._lines = stored, bar, lines
        self._trials: dict[int, StudyTrial] = {}
        self._shares: dict[Path, float] = {}
        self._began, self._earlier, self._next_step = time.monotonic(), 0, 0.0

    def add_earlier(self, trials: Sequence[StudyTrial]) -> None:
        """Add the trials of earlier processes and other machines."""
        self._trials = {trial.number: trial for trial in trials if trial.state != "running"}
        self._earlier = len(self._trials)
        self._move()

    def progress(self, task: RunTask, share: float) -> None:
        """Update the progress of a run; called often, so it must be cheap."""
        self._shares[task.directory] = share
        if self._bar is not None and time.monotonic() >= self._next_step:
            self._next_step = time.monotonic() + STEP
            self._move()

    def ended(self, trial: StudyTrial, error: str | None) -> None:
        """Show that a trial has ended."""
        self._trials[trial.number] = trial
        folder = self._stored.trial_folder(trial.number)
        for each in [share for share in self._shares if share.is_relative_to(folder)]:
            del self._shares[each]
        self._move()
        short = short_keys(self._stored)
        settings = {short[key]: format_cell(each, "setting") for key, each in trial.values.items()}
        values = ", ".join(map("=".join, settings.items()))
        if error is not None:
            print_above(self._bar, f"error: trial {trial.number}: {error} ({values})", err=True)
        elif self._lines:
            best = next(iter(best_trials(self._trials.values(), self._stored.better)), None)
            result = f"{self._stored.objective} {format_metric(trial.value)}"
            if trial.state == "pruned":
                result = f"pruned at {format_metric(_last(trial))}"
            known = f"; best {format_metric(best.value)}, trial {best.number}" if best else ""
            print_above(self._bar, f"trial {trial.number}: {result} ({values}){known}")

    def table(self) -> Table | None:
        """Return the best trials so far as a table, if one has finished."""
        table = trials_table(self._stored, self._trials.values(), MOST_SHOWN)
        return rich_table(replace(table, title="best so far")) if table.rows else None

    def _move(self) -> None:
        if self._bar is None:
            return
        bar, task = self._bar
        done = len(self._trials) + sum(self._shares.values())
        pruned = sum(trial.state == "pruned" for trial in self._trials.values())
        bar.update(
            task, completed=done, done=len(self._trials), pruned=pruned, left=self._left(done)
        )

    def _left(self, done: float) -> str:
        """Return the time left: by the trials so far, or at most by the minutes of the study."""
        keys, passed = self._stored.search.keys, time.monotonic() - self._began
        left = []
        if keys.trials is not None and done > self._earlier:
            left.append(passed / (done - self._earlier) * (keys.trials - done))
        if self._stored.file.minutes is not None:
            left.append(60 * self._stored.file.minutes - self._stored.file.seconds - passed)
        if not left:
            return "-:--"
        minutes, seconds = divmod(max(0, round(min(left))), 60)
        return f"{minutes}:{seconds:02}"


@contextmanager
def study_followed(stored: Group, *, quiet: bool) -> Iterator[StudyFollower]:
    """Yield the progress display of a study; if quiet, it shows only failures."""
    if quiet or not is_terminal(sys.stderr):
        yield StudyFollower(stored, None, lines=not quiet)
        return
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn

    most = stored.search.keys.trials
    count = "{task.fields[done]}" + ("/{task.total:.0f}" if most is not None else "")
    followers: list[StudyFollower] = []  # none yet when the bar is made
    bar = progress_bar(
        TextColumn(f"trial {count}, {{task.fields[pruned]}} pruned"),
        BarColumn(bar_width=30),
        TimeElapsedColumn(),
        TextColumn("left: {task.fields[left]}"),
        above=lambda: followers[0].table() if followers else None,
    )
    task = bar.add_task("", total=most, done=0, pruned=0, left="-:--")
    follower = StudyFollower(stored, (bar, task), lines=not is_terminal(command_output()))
    followers.append(follower)
    with bar:
        yield follower


def print_study(stored: Group) -> None:
    """Print the best trials, how much each key matters, and where the best spec is."""
    table = trials_table(stored, stored.trials)
    if table.rows:
        print_table(table)
    else:
        print_line(table.title)
    if stored.importance:
        print_table(importance_table(stored))
    interrupted = sum(
        trial.state == "running" and trial.worker == stored.file.worker for trial in stored.trials
    )
    if interrupted and stored.status == "finished":
        what = "1 trial was" if interrupted == 1 else f"{interrupted} trials were"
        limit = f"{stored.file.minutes:g} min"
        command = f"declnet resume {quote(str(stored.path))} --minutes N"
        print_line(f"{what} interrupted after {limit}; to continue: {command}")
    for best in best_trials(stored.trials, stored.better)[:1]:
        value, path = format_metric(best.value), stored.path / BEST
        print_line(f"best: trial {best.number}, {stored.objective} {value}: {path}")


def _last(trial: StudyTrial) -> float | None:
    """Return what a trial reported last."""
    return trial.reported[max(trial.reported)] if trial.reported else None
