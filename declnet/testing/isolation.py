"""The checks of a plugin in a subprocess, which must confirm that it has run all of them.

A component may end its process without an exception, by `os._exit` or a crash in native code. The
running check has then failed, and the next components are still checked.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import asdict
from types import FrameType
from typing import Any, NoReturn

from declnet import RegistryError
from declnet.testing.packages import cases_of_package
from declnet.testing.report import Outcome, Report


def check_package_in_subprocess(name: str) -> Report:
    """Run every check on every component that a plugin registers, in a subprocess.

    A check that ends the process has failed, and so has one that raises an exception that is not an
    `Exception`.

    Args:
        name: an entry point of the group `declnet`, a distribution, or an importable package.

    Returns:
        The outcomes, like `check_package`.

    Raises:
        RegistryError: there is no such plugin.
    """
    outcomes: list[Outcome] = []
    while True:
        done = {outcome.component for outcome in outcomes}
        running: tuple[str, int, str] | None = None
        request = {"package": name, "done": [*done], "path": sys.path}
        with closing(_answers(request)) as answers:
            for kind, content in answers:
                if kind == "case":
                    running = tuple(content)
                elif kind == "outcome":
                    outcomes.append(Outcome(**content))
                elif kind == "refused":
                    raise RegistryError(*content)
                elif kind == "confirmed":
                    return Report(name, tuple(outcomes))
                else:
                    known = running or (f"plugin:{name}", 0, "can_be_checked")
                    outcomes.append(Outcome(*known, "failed", content))
        if running is None:
            return Report(name, tuple(outcomes))


def _answers(request: dict[str, Any]) -> Generator[tuple[str, Any], None, None]:
    """Yield what a process answers: at last "confirmed", or "ended" with how it did instead."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", "from declnet.testing import isolation; isolation.serve()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert process.stdin is not None  # noqa: S101  # both were asked for
    assert process.stdout is not None  # noqa: S101
    try:
        with suppress(BrokenPipeError), process.stdin as stdin:
            stdin.write(json.dumps(request))
        with process.stdout as lines:
            yield from map(json.loads, lines)
        yield "ended", _ended(process.wait())
    finally:
        process.kill()
        process.wait()


def _ended(code: int) -> str:
    """Return how a process ended, as the message of a failed check."""
    how = f"exit status {code}" if code >= 0 else signal.Signals(-code).name
    return f"it ended the process, with {how}; the component's other checks were not run"


def serve() -> NoReturn:
    """Run the checks requested on standard input, with a JSON line for each answer on the output.

    The exit code is 130 if the user interrupts.
    """
    signal.signal(signal.SIGINT, _interrupt)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what components print
    request = json.load(sys.stdin)
    sys.path[:] = request["path"]
    done = set(request["done"])

    def answer(kind: str, content: object) -> None:
        answers.write(json.dumps([kind, content]) + "\n")

    try:
        for case in cases_of_package(request["package"]):
            if case.component not in done:
                answer("case", [case.component, case.example, case.check])
                answer("outcome", asdict(case.outcome()))
    except RegistryError as error:
        answer("refused", [error.message, error.hint])
    except KeyboardInterrupt:
        sys.exit(130)
    answer("confirmed", None)
    sys.exit(0)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
