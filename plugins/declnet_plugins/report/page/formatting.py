"""Human-readable shapes and times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def format_shape(shape: Sequence[int]) -> str:
    """Return the shape of one sample, joined by times signs, or `1`."""
    return " \u00d7 ".join(map(str, shape)) or "1"


def format_duration(seconds: float) -> str:
    """Return a duration in suitable units, e.g. `4 min 12 s`."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def format_time(iso: Any) -> str:
    """Return a manifest timestamp as `25 Nov 2025, 02:51 UTC`, anything else unchanged."""
    try:
        moment = datetime.fromisoformat(str(iso))
    except ValueError:
        return str(iso)
    zone = " UTC" if moment.utcoffset() is not None and not moment.utcoffset() else ""
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment:%Y, %H:%M}{zone}"
