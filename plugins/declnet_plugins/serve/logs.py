"""Logs as JSON lines on standard error; no line has a value of a row."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

_encode = json.JSONEncoder(default=str).encode


def log(event: str, level: str = "info", stream: TextIO | None = None, **members: Any) -> None:
    """Write a line with the time, the level, the event and its members; never fail."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = _encode({"time": moment, "level": level, "event": event, **members})
    try:
        out = stream or sys.stderr
        out.write(line + "\n")
        out.flush()
    except (OSError, ValueError, AttributeError):  # closed
        pass


class _Lines(logging.Handler):
    """Records of uvicorn as JSON lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        members: dict[str, Any] = {"message": record.getMessage()}
        if record.exc_info and record.exc_info[0] is not None:
            members["exception"] = record.exc_info[0].__name__
        log("server", record.levelname.lower(), **members)


def take_over_logging() -> None:
    """Write what uvicorn and asyncio log, from warnings on, as JSON lines."""
    for name in ("uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers = [_Lines()]
        logger.setLevel(logging.WARNING)
        logger.propagate = False
