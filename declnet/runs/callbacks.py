"""Calls a run's callbacks, each with the state that its start gave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from declnet.components.callback import Callback, EpochFinished, EpochLogged
from declnet.components.plain import NotPlainError, to_plain
from declnet.components.returned import BrokenContractError
from declnet.runs.active_run import ActiveRun


class Callbacks:
    """All callbacks of a run, in the spec's order."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self._waiting = list(callbacks)
        self._started: list[tuple[Callback, Any]] = []

    def start(self, run: ActiveRun, saved: Sequence[dict[str, Any]] = ()) -> None:
        """Starts each, or restores those that something was saved of.

        Args:
            run: what they see.
            saved: what `state` gave; those of another type, at their place, are left out.
        """
        by_place = dict(enumerate(saved))
        for place, callback in enumerate(self._waiting):
            found = by_place.get(place, {})
            if found.get("type") == callback.type and found.get("saved") is not None:
                state = callback.restore(run, found["saved"])
            else:
                state = callback.start(run)
            self._started.append((callback, state))

    def state(self) -> list[dict[str, Any]]:
        """What each wants kept, as plain values.

        Raises:
            BrokenContractError: one wants to keep what no file holds.
        """
        kept = []
        for callback, state in self._started:
            saved = callback.save(state)
            try:
                to_plain(saved, {}, "it")
            except NotPlainError as error:
                fault = f"returned what a checkpoint cannot keep: {error}"
                raise BrokenContractError(callback, "save", fault) from None
            kept.append({"type": callback.type, "saved": saved})
        return kept

    def after_epoch(self, epoch: EpochFinished) -> None:
        """Tell each of an epoch, logged or not."""
        for callback, state in self._started:
            callback.after_epoch(state, epoch)

    def epoch_finished(self, epoch: EpochLogged) -> None:
        """Tell each of a logged epoch."""
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
