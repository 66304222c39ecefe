"""Sentences for the user that are not errors: notices to a function, and Python warnings."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from types import FrameType

from declnet.errors import DeclnetWarning

Notice = Callable[[str], None]
"""Called with a sentence."""


def warn(sentence: str) -> None:
    """Issue a `DeclnetWarning` attributed to the line that called declnet."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and _is_inside(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(sentence, DeclnetWarning, stacklevel=level + 1)


def _is_inside(frame: FrameType) -> bool:
    """Return whether a frame belongs to declnet or to a cached property."""
    return str(frame.f_globals.get("__name__")).partition(".")[0] in ("declnet", "functools")
