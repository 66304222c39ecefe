"""Progress display for runs and sweeps during training."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from declnet.cli.display.streams import command_output, painted, print_line
from declnet.cli.display.terminal import is_terminal, table_text
from declnet.contracts.runs.callback import EpochFinished, EpochLogged
from declnet.display.characters import escaped_line
from declnet.display.tables import ResultTable
from declnet.runs.display.metric_labels import (
    Abbreviations,
    abbreviations,
    live_metrics,
    log_line,
    metrics_in_words,
)
from declnet.runs.display.time_left import TimeLeft, clock_text
from declnet.runs.options import Listener
from declnet.spec.model import RunSpec
from declnet.training.trainer import Event

if TYPE_CHECKING:
    from rich.console import Console, ConsoleRenderable, RenderableType
    from rich.progress import Progress, ProgressColumn, TaskID

    from declnet.contracts.runs.plan import Outcome
    from declnet.runs.many.run_tasks import RunTask

STEP = 0.1
"""Seconds between updates of the bar, however many epochs pass."""

WIDE_TERMINAL = 100
WIDE_BAR, NARROW_BAR = 20, 8
"""Widths of the bar in columns, which leave room for the metrics."""


class Warnings:
    """Warnings of callbacks, shown when they occur.

    Attributes:
        shown: those that have been shown.
    """

    def __init__(self) -> None:
        self.shown: list[str] = []

    def show(self, message: str) -> None:
        """Print a warning to standard error, above the bar if there is one."""
        self.shown.append(message)
        print_line(f"warning: {message}", err=True)


@contextmanager
def followed(spec: RunSpec, *, quiet: bool, plain: bool = False) -> Iterator[Listener | None]:
    """Yield the listener that a run reports to.

    Log lines go to standard output, the bar to standard error. If both are a terminal, the bar
    shows the metrics and there are no log lines.

    Args:
        spec: the run's spec.
        quiet: whether to show nothing.
        plain: whether to print only log lines, even on a terminal.
    """
    training, shorter = spec.training, abbreviations(spec.heads)

    def print_logged(event: Event) -> None:
        if isinstance(event, EpochLogged):
            print_line(log_line(event, shorter))

    if quiet:
        yield None
    elif plain or not is_terminal(sys.stderr):
        yield print_logged
    else:
        lines = None if is_terminal(command_output()) else print_logged
        with _epochs_bar(training.most_epochs or 1, shorter, lines) as listener:
            yield listener


@contextmanager
def _epochs_bar(
    epochs: int, shorter: Abbreviations, print_logged: Listener | None
) -> Iterator[Listener]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.table import Column

    def fixed(width: int) -> Column:
        return Column(no_wrap=True, min_width=width)

    columns = _stderr().width
    width = WIDE_BAR if columns >= WIDE_TERMINAL else NARROW_BAR
    widths = len("epoch"), 2 * len(str(epochs)) + 1, width, len("left: -:--")
    bar = progress_bar(
        TextColumn("epoch", table_column=fixed(widths[0])),
        MofNCompleteColumn(table_column=fixed(widths[1])),
        BarColumn(width, table_column=fixed(width)),
        TextColumn("left: {task.fields[left]}", table_column=fixed(widths[3])),
        TextColumn("{task.fields[metrics]}", markup=False),
    )
    room = columns - sum(widths) - len(widths)
    task = bar.add_task("epoch", total=epochs, metrics="", left=clock_text(None))
    now, next_step, time_left = time.monotonic, 0.0, TimeLeft()

    def move(done: float, total: int = epochs, **fields: Any) -> None:
        left = clock_text(time_left.seconds(done, total))
        bar.update(task, completed=done, total=total, left=left, **fields)

    def listener(event: Event) -> None:
        nonlocal next_step
        if print_logged is not None:
            print_logged(event)
        if now() < next_step:
            return
        if not next_step:
            bar.start()  # not before, while the bars of passes over the data are shown
        next_step = now() + STEP
        if isinstance(event, EpochLogged):
            move(event.epoch + 1, metrics=escaped_line(live_metrics(event, shorter, room)))
        elif isinstance(event, EpochFinished):
            move(event.epoch + 1)
        else:
            move(event.epochs_done, event.epochs)

    try:
        yield listener
    finally:
        bar.stop()


def progress_bar(
    *columns: ProgressColumn, above: Callable[[], RenderableType | None] = lambda: None
) -> Progress:
    """Return a bar on stderr that disappears when it is done.

    Args:
        above: what is shown above the bar, updated once a second.
    """
    from rich.progress import Progress

    class WithMore(Progress):
        shown: RenderableType | None = None
        due = 0.0

        def get_renderables(self) -> Iterator[RenderableType]:
            if time.monotonic() >= self.due:
                self.shown = above()
                self.due = time.monotonic() + (1 if self.shown is not None else 0)
            if self.shown is not None:
                yield self.shown
            yield self.make_tasks_table(self.tasks)

    return WithMore(
        *columns,
        console=_stderr(),
        transient=True,
    )


def _stderr() -> Console:
    from rich.console import Console

    return Console(file=painted(sys.stderr))


class Follower:
    """The progress display of runs, trials or files: lines, and a bar on a terminal.

    Args:
        title: what the bar counts, with fields of `counts`.
        total: how many there are, if that is known.
        texts: what follows the bar before the times, with fields of `counts`.
        quiet: whether to show only failures.

    Attributes:
        lines: whether to print a line for each run or trial that has ended.
    """

    def __init__(self, title: str, total: float | None, *texts: str, quiet: bool) -> None:
        self._title, self._total, self._texts = title, total, texts
        self._has_bar = not quiet and total != 0 and is_terminal(sys.stderr)
        self.lines = not quiet
        self._bar: tuple[Progress, TaskID] | None = None
        self._shares: dict[Path, float] = {}
        self._next_step = 0.0

    def _shown_table(self) -> ConsoleRenderable | None:
        table = self.table()
        return None if table is None else table_text(table, _stderr().width)

    @contextmanager
    def bar(self) -> Iterator[None]:
        """Show a bar on standard error, if it is a terminal, until the context ends."""
        if not self._has_bar:
            yield
            return
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn

        bar = progress_bar(
            TextColumn(self._title),
            BarColumn(bar_width=30),
            *map(TextColumn, self._texts),
            TimeElapsedColumn(),
            TextColumn("left: {task.fields[left]}"),
            above=self._shown_table,
        )
        counts = self.counts(0)
        self._bar = bar, bar.add_task("", total=self._total, completed=counts["done"], **counts)
        with bar:
            yield

    def progress(self, task: RunTask, share: float) -> None:
        """Update the progress of a run; called often, so it must be cheap."""
        self._shares[task.directory] = share
        if self._bar is not None and time.monotonic() >= self._next_step:
            self._next_step = time.monotonic() + STEP
            self.move()

    def forget(self, folder: Path) -> None:
        """Forget the progress of the runs in a folder, which have ended."""
        self._shares = {
            directory: share
            for directory, share in self._shares.items()
            if not directory.is_relative_to(folder)
        }

    def move(self) -> None:
        """Show the present state on the bar."""
        if self._bar is not None:
            (bar, task), running = self._bar, sum(self._shares.values())
            counts = self.counts(running)
            bar.update(task, completed=counts["done"] + running, **counts)

    def print(self, line: str, *, err: bool = False) -> None:
        """Print a line on standard output or error, on a terminal above the bar."""
        if self._bar is not None and is_terminal(sys.stderr if err else command_output()):
            console = self._bar[0].console
            console.print(escaped_line(line), highlight=False, markup=False, soft_wrap=True)
        else:
            print_line(line, err=err)

    def counts(self, running: float) -> dict[str, Any]:
        """Return the fields of the bar: `done`, the number that has ended, `left`, and others.

        Args:
            running: the progress of the others, in runs or trials.
        """
        raise NotImplementedError

    def table(self) -> ResultTable | None:
        """Return what is shown above the bar; None for nothing."""
        return None


Ranked = Callable[[Sequence["Outcome"]], ResultTable | None]
"""Make the ranking of a sweep from the outcomes so far."""


class SweepFollower(Follower):
    """The progress display of a sweep.

    Args:
        specs: the specs of the runs, without the seeds.
        count: how many runs there are, if that is known.
        quiet: as for `Follower`.
        done: the outcomes of runs that need not be trained.
        ranked: makes a ranking, which a terminal shows above the bar in place of lines.
    """

    def __init__(
        self,
        specs: Sequence[RunSpec],
        count: int | None,
        *,
        quiet: bool,
        done: Sequence[Outcome],
        ranked: Ranked | None,
    ) -> None:
        title = "run {task.fields[done]}" + ("/{task.total}" if count is not None else "")
        super().__init__(title, count, quiet=quiet)
        self.lines &= not (self._has_bar and ranked is not None and is_terminal(command_output()))
        self._shorter = {spec.name: abbreviations(spec.heads) for spec in specs}
        self._outcomes, self._ranked, self._count = list(done), ranked, count
        self._time_left = TimeLeft()

    def finished(self, outcome: Outcome) -> None:
        """Show that a run finished or failed."""
        self.forget(outcome.directory)
        self._outcomes.append(outcome)
        self.move()
        if outcome.error is not None:
            self.print(f"error: {outcome.label}: {outcome.error}", err=True)
        elif self.lines:
            data, values = list(outcome.metrics.items())[-1]
            shorter = self._shorter.get(outcome.name) or next(iter(self._shorter.values()))
            self.print(f"{outcome.label}: {data}, {metrics_in_words(values, shorter)}")

    def counts(self, running: float) -> dict[str, Any]:
        """Return the number of runs that have ended, and the time left."""
        done = len(self._outcomes)
        return {
            "done": done,
            "left": clock_text(self._time_left.seconds(done + running, self._count)),
        }

    def table(self) -> ResultTable | None:
        """Return the best specs so far."""
        return self._ranked(self._outcomes) if self._ranked is not None else None
