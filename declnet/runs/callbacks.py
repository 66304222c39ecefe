"""Calls a run's callbacks, each with the state that its start gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from declnet.components.callback import Callback, EpochLogged
from declnet.graph.model import Model


@dataclass
class ActiveRun:
    """The run as callbacks see it (`declnet.components.callback.Run`).

    Attributes:
        stopped: the reason that a callback gave for ending the training, or None.
    """

    name: str
    epochs: int
    directory: Path | None
    model: Model
    stopped: str | None = None

    def stop(self, reason: str) -> None:
        """Ends the training after this epoch; the first reason stands."""
        self.stopped = self.stopped or reason


class Callbacks:
    """All callbacks of a run, in the spec's order."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self._waiting = list(callbacks)
        self._started: list[tuple[Callback, Any]] = []

    def start(self, run: ActiveRun) -> None:
        """Starts each."""
        for callback in self._waiting:
            self._started.append((callback, callback.start(run)))

    def epoch_finished(self, epoch: EpochLogged) -> None:
        """Tells each of a logged epoch."""
        for callback, state in self._started:
            callback.epoch_finished(state, epoch)

    def finished(self, metrics: dict[str, dict[str, float]]) -> None:
        """Tells each that the run is done."""
        while self._started:
            callback, state = self._started.pop(0)
            callback.finished(state, metrics)

    def failed(self, error: BaseException) -> None:
        """Tells those that started and have not finished; what one raises spares the others."""
        while self._started:
            callback, state = self._started.pop(0)
            try:
                callback.failed(state, error)
            except Exception as another:  # the run's own failure is the one to report
                error.add_note(f'callback "{callback.type}" failed as well: {another}')
