"""Numbers, shapes and times as people read them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

ABSENT = "\u2013"
"""Stands where there is no figure."""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def shown_number(value: Any) -> str:
    """Four digits of a figure, all digits of a count; a dash for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ABSENT if value is None else str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return ABSENT
    size = abs(value)
    if size >= 1e7 or 0 < size < 1e-3:
        return f"{value:.2e}"
    return f"{value:,.0f}" if size >= 1e4 else f"{value:#.4g}" if size else "0"


def three_places(value: float) -> str:
    """A figure between 0 and 1."""
    return f"{float(value):.3f}"


def shown_shape(shape: Sequence[int]) -> str:
    """The shape of one sample, its lengths with times signs between; of a single number `1`."""
    return " \u00d7 ".join(map(str, shape)) or "1"


def shown_duration(seconds: float) -> str:
    """A time in the units that suit it, e.g. `4 min 12 s`."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def shown_time(iso: Any) -> str:
    """A moment of the manifest, e.g. `25 Nov 2025, 02:51 UTC`; as it is written if it is none."""
    try:
        moment = datetime.fromisoformat(str(iso))
    except ValueError:
        return str(iso)
    zone = " UTC" if moment.utcoffset() is not None and not moment.utcoffset() else ""
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment:%Y, %H:%M}{zone}"
