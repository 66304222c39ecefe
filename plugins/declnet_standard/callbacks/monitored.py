"""The base of callbacks that watch a metric after every epoch, logged or not."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import Field

from declnet import Callback, Diagnostic, Run, RunContext

VALIDATION = "validation_"
ADD_MODE = 'add mode = "min" or mode = "max"'


@dataclass
class Watch:
    """The state of a watched metric.

    Attributes:
        mode: whether the smallest or the largest value is best; None without a metric.
        best: the best value so far, or None.
        since: the epoch from which patience counts, or None before the first.
    """

    run: Run
    mode: Literal["min", "max"] | None
    best: float | None = None
    since: int | None = None

    def improves(self, value: float, min_delta: float = 0.0) -> bool:
        """Return whether a value is better than the best by more than min_delta; NaN never is."""
        if self.best is None:
            return value == value  # noqa: PLR0124  # false for NaN
        if self.mode == "min":
            return value < self.best - min_delta
        return value > self.best + min_delta

    def waited(self, epoch: int) -> int:
        """Return the epochs since the best one, or since the first if none is best yet."""
        self.since = epoch if self.since is None else self.since
        return epoch - self.since


class MonitoredCallback(Callback):
    """A callback that watches `monitor`; subclasses act in `after_epoch`."""

    monitor: str | None = Field(
        default="validation_loss", description="the metric to watch, as the history calls it"
    )
    mode: Literal["min", "max"] | None = Field(
        default=None,
        description='whether lower ("min") or higher ("max") values are better; default: as the '
        "metric declares",
    )

    def monitors(self) -> tuple[str, ...]:
        """Return the metric."""
        return () if self.monitor is None else (self.monitor,)

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require a metric that will be in the history and can improve."""
        name, known = self.monitor, context.metrics
        if name is None or not known:
            return
        if name not in known:
            message, hint = f'the run will have no metric "{name}"', _instead_of(name, known)
            yield Diagnostic(message, hint, ("monitor",), "E045")
        elif self.mode is None and known[name] is None:
            message = f'nothing says whether higher or lower values of "{name}" are better'
            yield Diagnostic(message, ADD_MODE, ("monitor",), "E045")

    def start(self, run: Run) -> Watch:
        """Return the state before the first epoch."""
        return Watch(run, self._mode(run))

    def save(self, state: Watch) -> dict[str, Any]:
        """Return the state; the run itself saves parameters and learning rates."""
        return {"best": state.best, "since": state.since}

    def restore(self, run: Run, saved: dict[str, Any]) -> Watch:
        """Return the saved state."""
        state = self.start(run)
        state.best, state.since = saved["best"], saved.get("since")
        return state

    def _mode(self, run: Run) -> Literal["min", "max"] | None:
        if self.mode is not None or self.monitor is None:
            return self.mode
        better = run.better(self.monitor)
        if better is None:
            raise ValueError(f'which values of "{self.monitor}" are better is unknown: {ADD_MODE}')
        return "max" if better == "higher" else "min"


def _instead_of(name: str, known: Collection[str]) -> str:
    """Return a suggestion for a metric that does not exist."""
    without, close = name.removeprefix(VALIDATION), get_close_matches(name, known, n=1)
    if name.startswith(VALIDATION) and without in known:
        return f'add validation data, or set monitor = "{without}"'
    if close:
        return f'did you mean "{close[0]}"?'
    return f"there are {', '.join(known)}; metrics add more"
