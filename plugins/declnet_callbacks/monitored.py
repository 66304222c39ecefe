"""What callbacks share that watch one figure of the history."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Literal

from pydantic import Field

from declnet import Callback, Diagnostic, EpochLogged, RunContext

SMALLER_IS_BETTER = ("loss", "error")
"""Words in the names of figures that should fall; others should rise."""


class MonitoredCallback(Callback):
    """Watches a figure of the logged epochs; subclasses have `monitor`."""

    mode: Literal["min", "max"] | None = Field(
        default=None,
        description='whether smaller or larger is better; default: "min" for a figure with "loss" '
        'or "error" in its name, else "max"',
    )

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """The figure must be one that the history will have."""
        monitor: str | None = getattr(self, "monitor", None)
        if monitor is None or not context.metrics or monitor in context.metrics:
            return
        close = get_close_matches(monitor, context.metrics, n=1)
        if monitor.startswith("validation_") and monitor.removeprefix("validation_") in (
            context.metrics
        ):
            hint = f'name validation data, or monitor = "{monitor.removeprefix("validation_")}"'
        elif close:
            hint = f'did you mean "{close[0]}"?'
        else:
            hint = f"there are {', '.join(context.metrics)}; metrics add more"
        yield Diagnostic(f'the run will have no figure "{monitor}"', hint, ("monitor",), "E045")

    def is_better(self, value: float, best: float | None, least: float = 0.0) -> bool:
        """Whether a value is better than the best so far by more than `least`; NaN never is."""
        if best is None:
            return value == value  # noqa: PLR0124  # false for NaN
        if self.smaller_is_better:
            return value < best - least
        return value > best + least

    @property
    def smaller_is_better(self) -> bool:
        """As `mode` says, or the figure's name."""
        if self.mode is not None:
            return self.mode == "min"
        return any(word in getattr(self, "monitor", "") for word in SMALLER_IS_BETTER)


def figure_of(epoch: EpochLogged, monitor: str) -> float:
    """The figure of an epoch; raises ValueError if it has none of that name."""
    row = epoch.row()
    if monitor not in row:
        raise ValueError(f'epoch {epoch.epoch} has no figure "{monitor}", but {", ".join(row)}')
    return float(row[monitor])
