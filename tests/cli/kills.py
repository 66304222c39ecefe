"""Commands that are killed at random moments and started again."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path


def finished_runs(manifests: Iterator[Path]) -> dict[Path, int]:
    """Return when the metrics of each finished run were written; its manifest follows them."""
    return {
        path.parent: path.with_name("metrics.json").stat().st_mtime_ns
        for path in manifests
        if json.loads(path.read_text("utf-8"))["status"] == "finished"
    }


def carried_through_kills(
    start: Callable[[], subprocess.Popen[str]],
    finished: Callable[[], dict[Path, int]],
    draw: random.Random,
    lasts: float,
    most: int,
) -> int:
    """Start a command until it succeeds, and kill it each time; return the number of kills.

    What had finished before a kill is neither lost nor repeated after it.

    Args:
        start: starts it, or what resumes it.
        finished: returns when each finished run was written.
        draw: draws the moments.
        lasts: seconds that it takes, about.
        most: the number of kills after which it is left alone.
    """
    kills, before, span = 0, finished(), lasts
    while True:
        process = start()
        if kills < most:
            time.sleep(draw.uniform(0, span))
            kills += process.poll() is None
            process.kill()
        _, errors = process.communicate()
        assert process.returncode <= 0, errors
        after = finished()
        assert before.items() <= after.items()
        if process.returncode == 0:
            return kills
        span = lasts if len(after) > len(before) else 1.5 * span  # the machine is busier now
        before = after
