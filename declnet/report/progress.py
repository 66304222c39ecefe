"""Follows a run: log lines on standard output, a progress bar on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from declnet.components.callback import EpochLogged
from declnet.report.log_line import log_line
from declnet.runs.run import Listener
from declnet.training.events import Event


@contextmanager
def followed(epochs: int, *, quiet: bool) -> Iterator[Listener | None]:
    """Gives the listener that a run reports to.

    Args:
        epochs: how many the run has.
        quiet: whether to show nothing.
    """
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _progress_bar(epochs) as listener:
            yield listener
    else:
        yield _print_logged


def _print_logged(event: Event) -> None:
    if isinstance(event, EpochLogged):
        sys.stdout.write(log_line(event) + "\n")
        sys.stdout.flush()


@contextmanager
def _progress_bar(epochs: int) -> Iterator[Listener]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("epoch"),
        MofNCompleteColumn(),
        BarColumn(),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        transient=True,
    )
    task = bar.add_task("epochs", total=epochs)

    def listener(event: Event) -> None:
        if isinstance(event, EpochLogged):
            if sys.stdout.isatty():
                bar.console.print(log_line(event), highlight=False, markup=False)
            else:
                _print_logged(event)
            bar.update(task, completed=event.epoch + 1)
        else:
            bar.update(task, completed=int(event.epochs_done))

    with bar:
        yield listener
