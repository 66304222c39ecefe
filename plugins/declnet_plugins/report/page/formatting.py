"""Human-readable numbers, shapes and times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

ABSENT = "\u2013"
"""Placeholder for a missing number."""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def format_number(value: Any) -> str:
    """Return a float with four digits, a count with all digits, or a dash if missing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ABSENT if value is None else str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return ABSENT
    size = abs(value) if not -1e-9 < value < 1e-15 else 0  # r2 of a rounded mean: -3e-14
    if size >= 1e7 or 0 < size < 1e-3:
        return f"{value:.2e}"
    return f"{value:,.0f}" if size >= 1e4 else f"{value:#.4g}".rstrip(".") if size else "0"


def format_score(value: float) -> str:
    """Return a number between 0 and 1 with three decimals."""
    return f"{float(value):.3f}"


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
