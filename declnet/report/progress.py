"""Follows a run: log lines on standard output, a progress bar on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from declnet.components.callback import EpochFinished, EpochLogged
from declnet.report.log_line import live_figures, log_line
from declnet.report.terminal import is_terminal
from declnet.runs.session import Listener
from declnet.training.events import Event

if TYPE_CHECKING:
    from rich.progress import Progress

STEP = 0.1
"""Seconds from one movement of the bar to the next, however many epochs pass."""

WIDE_TERMINAL = 100
WIDE_BAR, NARROW_BAR = 20, 8
"""Columns, so that the figures find room beside the bar."""


@contextmanager
def followed(epochs: int, *, quiet: bool, plain: bool = False) -> Iterator[Listener | None]:
    """Gives the listener that a run reports to.

    Log lines go to standard output, the bar to standard error. Where both are a terminal, the bar
    shows the figures and there are no log lines.

    Args:
        epochs: how many the run has.
        quiet: whether to show nothing.
        plain: whether to print the log lines alone, on a terminal too.
    """
    if quiet:
        yield None
    elif plain or not is_terminal(sys.stderr):
        yield _print_logged
    else:
        with _progress_bar(epochs, lines=not is_terminal(sys.stdout)) as listener:
            yield listener


def _print_logged(event: Event) -> None:
    if isinstance(event, EpochLogged):
        sys.stdout.write(log_line(event) + "\n")
        sys.stdout.flush()


@contextmanager
def _progress_bar(epochs: int, *, lines: bool) -> Iterator[Listener]:
    bar = _bar(epochs)
    task = bar.add_task("epoch", total=epochs, figures="")
    now, next_step = time.monotonic, 0.0

    def listener(event: Event) -> None:
        nonlocal next_step
        logged = isinstance(event, EpochLogged)
        if lines and logged:
            _print_logged(event)
        if now() < next_step:
            return
        next_step = now() + STEP
        if isinstance(event, EpochLogged):
            bar.update(task, completed=event.epoch + 1, figures=live_figures(event))
        else:
            done = event.epoch + 1 if isinstance(event, EpochFinished) else int(event.epochs_done)
            bar.update(task, completed=done)

    with bar:
        yield listener


def _bar(epochs: int) -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.table import Column

    console = Console(file=sys.stderr)
    width = WIDE_BAR if console.width >= WIDE_TERMINAL else NARROW_BAR
    count = 2 * len(str(epochs)) + 1
    return Progress(
        TextColumn("epoch", table_column=Column(no_wrap=True, min_width=5)),
        MofNCompleteColumn(table_column=Column(no_wrap=True, min_width=count)),
        BarColumn(width, table_column=Column(no_wrap=True, min_width=width)),
        TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=7)),
        TextColumn("{task.fields[figures]}", markup=False),
        console=console,
        transient=True,
        redirect_stdout=is_terminal(sys.stdout),
    )
