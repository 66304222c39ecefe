"""A worker process that executes the tasks it receives on standard input, one JSON line each.

It answers on standard output with a JSON line for each heartbeat and each outcome. Output printed
by plugins goes to standard error instead.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from declnet.registry.discovery import default_registry, discover
from declnet.runs.sweep import Outcome, Progress, Task, carry_out
from declnet.spec.validate import parse_spec

SIGN_OF_LIFE = 0.2
"""Minimum seconds between heartbeats."""


def main() -> int:
    """Work until standard input ends; return exit code 130 if asked to stop."""
    signal.signal(signal.SIGTERM, _interrupt)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    try:
        _work(sys.stdin, answers)
    except KeyboardInterrupt:
        return 130
    return 0


def _work(tasks: TextIO, answers: TextIO) -> None:
    disabled = json.loads(tasks.readline() or "[]")
    registry = discover(disabled) if disabled else default_registry()
    for line in tasks:
        document = json.loads(line)
        spec = parse_spec(document["spec"], registry)
        task = Task(spec, Path(document["directory"]))
        outcome = carry_out(task, registry, _progress(answers))
        _answer(answers, {"outcome": _as_data(outcome)})


def _progress(answers: TextIO) -> Progress:
    last = 0.0

    def progress(share: float) -> None:
        nonlocal last
        now = time.perf_counter()
        if now - last > SIGN_OF_LIFE:
            last = now
            _answer(answers, {"progress": share})

    return progress


def _answer(answers: TextIO, message: dict[str, Any]) -> None:
    try:
        answers.write(json.dumps(message) + "\n")
        answers.flush()
    except BrokenPipeError:  # the parent process is gone
        raise KeyboardInterrupt from None


def _as_data(outcome: Outcome) -> dict[str, Any]:
    return {
        "metrics": outcome.metrics,
        "seconds": outcome.seconds,
        "error": outcome.error,
    }


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
