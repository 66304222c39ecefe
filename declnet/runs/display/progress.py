"""`run(progress=True)`: a live view in a notebook, log lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from declnet.contracts.runs.callback import EpochLogged
from declnet.display.characters import escaped_line
from declnet.runs.display.metric_labels import abbreviations, live_metrics, log_line
from declnet.runs.display.time_left import TimeLeft
from declnet.runs.options import Listener
from declnet.spec.model import RunSpec
from declnet.training.heartbeat import Progressed
from declnet.training.trainer import Event

STEP = 0.25
"""Seconds between updates of the view, each of which is a message to the browser."""


@contextmanager
def followed(
    spec: RunSpec, listener: Listener | None, *, progress: bool
) -> Iterator[Listener | None]:
    """Yield the listener of a run, which also shows its progress if that is wanted.

    Args:
        spec: the run's spec.
        listener: the caller's own, called first.
        progress: whether to show a bar with metrics and curve in a notebook, or to print a line
            for each logged epoch anywhere else.
    """
    if not progress:
        yield listener
        return
    view = _NotebookProgress(spec) if in_notebook() else None
    shorter = abbreviations(spec.heads)

    def both(event: Event) -> None:
        if listener is not None:
            listener(event)
        if view is not None:
            view.show(event)
        elif isinstance(event, EpochLogged):
            sys.stdout.write(f"{escaped_line(log_line(event, shorter))}\n")
            sys.stdout.flush()

    ended = "interrupted or failed"
    try:
        yield both
        ended = "finished"
    finally:
        if view is not None:
            view.end(ended)


def in_notebook() -> bool:
    """Return whether a kernel runs this, e.g. of Jupyter, which can change what a cell shows."""
    ipython = sys.modules.get("IPython")  # imported by the kernel itself
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


class _NotebookProgress:
    """A bar with the newest metrics and the curve so far, in the output of a cell."""

    def __init__(self, spec: RunSpec) -> None:
        from IPython.display import display

        self._name, self._shorter = spec.name, abbreviations(spec.heads)
        self._done, self._epochs = 0.0, spec.training.most_epochs or 1
        self._metrics, self._state = "", "running"
        self._history: list[dict[str, Any]] = []
        self._started, self._next_step = time.monotonic(), 0.0
        self._time_left = TimeLeft()
        self._handle = display(self, display_id=True)

    def show(self, event: Event) -> None:
        """Show an event, unless the last one has just been shown."""
        if isinstance(event, Progressed):
            self._done, self._epochs = event.epochs_done, event.epochs
        else:
            self._done = event.epoch + 1
        if isinstance(event, EpochLogged):
            self._metrics = live_metrics(event, self._shorter)
            self._history.append(event.row())
        if time.monotonic() >= self._next_step:
            self._next_step = time.monotonic() + STEP
            self._handle.update(self)

    def end(self, how: str) -> None:
        """Show the last state."""
        self._state = how
        self._handle.update(self)

    def _line(self) -> str:
        spent = time.monotonic() - self._started
        seconds = self._time_left.seconds(self._done, self._epochs) if self._done else None
        is_running = self._state == "running" and seconds is not None
        left = f", {seconds:.0f} s left" if is_running else ""
        epochs = f"epoch {int(self._done)} of {self._epochs}"
        return f"{self._name}, {self._state}: {epochs}, {spent:.1f} s{left}"

    def __repr__(self) -> str:
        return escaped_line(", ".join(line for line in (self._line(), self._metrics) if line))

    def _repr_html_(self) -> str:
        from declnet.display.html import Html, element, view
        from declnet.runs.display.results import curves

        share = min(self._done / self._epochs, 1.0)
        bar = Html(f'<progress value="{share:.4f}" max="1"></progress>')
        parts = [element("div", bar, " ", self._line()), element("div", self._metrics)]
        return view(*parts, curves(self._history))
