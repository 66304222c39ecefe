"""What a run shows as it goes on: log lines on standard output, a progress bar on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from declnet.components.callback import EpochFinished, EpochLogged
from declnet.report.log_line import Abbreviations, abbreviations, live_metrics, log_line
from declnet.report.terminal import is_terminal
from declnet.runs.session import Listener
from declnet.spec.model import TrainingSpec
from declnet.training.events import Event

if TYPE_CHECKING:
    from rich.progress import Progress

STEP = 0.1
"""Seconds from one movement of the bar to the next, however many epochs pass."""

WIDE_TERMINAL = 100
WIDE_BAR, NARROW_BAR = 20, 8
"""Columns, so that the metrics find room beside the bar."""


@contextmanager
def followed(
    training: TrainingSpec, *, quiet: bool, plain: bool = False
) -> Iterator[Listener | None]:
    """Give the listener that a run reports to.

    Log lines go to standard output, the bar to standard error. Where both are a terminal, the bar
    shows the metrics and there are no log lines.

    Args:
        training: of the run's spec.
        quiet: whether to show nothing.
        plain: whether to print the log lines alone, on a terminal too.
    """
    shorter = abbreviations(training.metrics)

    def print_logged(event: Event) -> None:
        if isinstance(event, EpochLogged):
            sys.stdout.write(log_line(event, shorter) + "\n")
            sys.stdout.flush()

    if quiet:
        yield None
    elif plain or not is_terminal(sys.stderr):
        yield print_logged
    else:
        lines = None if is_terminal(sys.stdout) else print_logged
        with _progress_bar(training.epochs, shorter, lines) as listener:
            yield listener


@contextmanager
def _progress_bar(
    epochs: int, shorter: Abbreviations, print_logged: Listener | None
) -> Iterator[Listener]:
    bar = _bar(epochs)
    task = bar.add_task("epoch", total=epochs, metrics="")
    now, next_step = time.monotonic, 0.0

    def listener(event: Event) -> None:
        nonlocal next_step
        if print_logged is not None:
            print_logged(event)
        if now() < next_step:
            return
        next_step = now() + STEP
        if isinstance(event, EpochLogged):
            bar.update(task, completed=event.epoch + 1, metrics=live_metrics(event, shorter))
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
        TextColumn("{task.fields[metrics]}", markup=False),
        console=console,
        transient=True,
        redirect_stdout=is_terminal(sys.stdout),
    )
