"""How long training takes until its end, as estimated from what has been done."""

from __future__ import annotations

import time


class TimeLeft:
    """The time that is left, at the mean speed since the first report.

    What had been done before, e.g. by the process whose run is resumed, does not count.
    """

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None

    def seconds(self, done: float, total: float | None) -> float | None:
        """Return the seconds that are left; None before anything can be known.

        Args:
            done: what has been done, in epochs, runs or trials, parts of them included.
            total: what will have been done at the end; None if that is unknown.
        """
        now = time.monotonic()
        if self._first is None:
            self._first = now, done
        began, before = self._first
        if total is None or done <= before:
            return None
        return max(0.0, (now - began) / (done - before) * (total - done))


def clock_text(seconds: float | None) -> str:
    """Return seconds as on a clock, `1:05` or `2:01:05`; `-:--` for None."""
    if seconds is None:
        return "-:--"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
