"""What a sweep shows as it goes on: a line each run, a progress bar on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from declnet.report.log_line import Abbreviations, abbreviations, metrics_in_words
from declnet.report.terminal import is_terminal
from declnet.runs.sweep.task import Outcome, Task

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

STEP = 0.1
"""Seconds from one movement of the bar to the next."""


class SweepFollower:
    """Shows a sweep's runs as they go on.

    Args:
        shorter: what lines call metrics, by the spec's name.
        bar: with its task, whose total is the number of runs; None shows none.
        lines: whether each run that finished prints a line.
    """

    def __init__(
        self,
        shorter: Mapping[str, Abbreviations],
        bar: tuple[Progress, TaskID] | None,
        *,
        lines: bool,
    ) -> None:
        self._shorter, self._bar, self._lines = shorter, bar, lines
        self._done = 0
        self._shares: dict[Path, float] = {}
        self._next_step = 0.0

    def progress(self, task: Task, share: float) -> None:
        """Show that a run goes on; called often, so it does little."""
        self._shares[task.directory] = share
        if self._bar is None or time.monotonic() < self._next_step:
            return
        self._next_step = time.monotonic() + STEP
        self._move()

    def finished(self, outcome: Outcome) -> None:
        """Show that a run ended, either way."""
        self._shares.pop(outcome.directory, None)
        self._done += 1
        self._move()
        label = outcome.label
        if outcome.error is not None:
            self._print(f"error: {label}: {outcome.error}", to_stderr=True)
        elif self._lines:
            last = list(outcome.metrics)[-1]
            words = metrics_in_words(outcome.metrics[last], self._shorter[outcome.name])
            self._print(f"{label}: {last}, {words}")

    def _move(self) -> None:
        if self._bar is not None:
            bar, task = self._bar
            bar.update(task, completed=self._done + sum(self._shares.values()), done=self._done)

    def _print(self, line: str, *, to_stderr: bool = False) -> None:
        stream = sys.stderr if to_stderr else sys.stdout
        if self._bar is not None and is_terminal(stream):
            self._bar[0].console.print(line, highlight=False, markup=False, soft_wrap=True)
        else:
            stream.write(line + "\n")
            stream.flush()


@contextmanager
def sweep_followed(tasks: Sequence[Task], *, quiet: bool) -> Iterator[SweepFollower]:
    """Give the follower of a sweep.

    Args:
        tasks: all of them.
        quiet: whether to show nothing but what fails.
    """
    shorter = {each.spec.name: abbreviations(each.spec.training.metrics) for each in tasks}
    if quiet or not is_terminal(sys.stderr):
        yield SweepFollower(shorter, None, lines=not quiet)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("run {task.fields[done]}/{task.total}"),
        BarColumn(bar_width=30),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        transient=True,
        redirect_stdout=is_terminal(sys.stdout),
    )
    task = bar.add_task("", total=len(tasks), done=0)
    with bar:
        yield SweepFollower(shorter, (bar, task), lines=True)
