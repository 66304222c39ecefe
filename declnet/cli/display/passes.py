"""Progress of passes over data: on a terminal, for those that take longer than a moment."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from declnet.cli.display.terminal import is_terminal
from declnet.data.passes import PassProgress, following

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

MOMENT = 0.5
"""Seconds that a pass takes before a bar shows its progress."""


@contextmanager
def passes_followed(*, quiet: bool = False) -> Iterator[None]:
    """Show a bar on standard error, if it is a terminal, for each pass over data that takes long.

    Args:
        quiet: whether to show nothing.
    """
    if quiet or not is_terminal(sys.stderr):
        yield
        return
    bar = _PassBar()
    try:
        with following(bar.follow):
            yield
    finally:
        bar.follow(None)


class _PassBar:
    """The bar of the pass in progress, if there is one."""

    def __init__(self) -> None:
        self._started: float | None = None
        self._bar: tuple[Progress, TaskID] | None = None

    def follow(self, progress: PassProgress | None) -> None:
        """Show the progress of a pass, or remove the bar at its end."""
        if progress is None:
            if self._bar is not None:
                self._bar[0].stop()
            self._started = self._bar = None
            return
        if self._started is None:
            self._started = time.monotonic()
        rows = f"{progress.samples:,}" + (f"/{progress.total:,}" if progress.total else "")
        if self._bar is None and time.monotonic() - self._started >= MOMENT:
            self._bar = self._shown(progress, rows)
        if self._bar is not None:
            bar, task = self._bar
            bar.update(task, completed=progress.samples, rows=rows)

    def _shown(self, progress: PassProgress, rows: str) -> tuple[Progress, TaskID]:
        """Show a bar, without an end if the number of samples is not known."""
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        from declnet.cli.display.progress import NARROW_BAR, progress_bar

        known = progress.total is not None
        bar = progress_bar(
            TextColumn("{task.description}"),
            BarColumn(NARROW_BAR),
            TextColumn("{task.fields[rows]} rows"),
            TimeRemainingColumn() if known else TimeElapsedColumn(),
        )
        task = bar.add_task(progress.task, total=progress.total, rows=rows)
        bar.start()
        return bar, task
