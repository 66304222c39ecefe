"""The checks of a plugin in a process that may end at any time.

One process checks all components. It is replaced if it ends or passes a limit of time. A component
that fails in a process where others were checked is checked again in a new one, alone: what it
does there counts. Whatever a component does is an outcome, and never ends the report.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, NamedTuple, NoReturn

from declnet import RegistryError
from declnet.testing.packages import components_of_package
from declnet.testing.report import Outcome, Report

SECONDS = 120.0
"""How long a check may take."""

GIGABYTES = 2.0
"""How much memory the process may use, on Linux."""

LONG_TEXT, FIRST_LINES, LAST_LINES, LONG_LINE = 10_000, 8, 4, 160
"""How much of what a component prints is reported."""

PATIENCE = 5.0
"""Seconds after which a process that is asked to end is killed."""


class _Checked(NamedTuple):
    """The outcomes of a component, and whether its process has ended before the others."""

    component: str
    outcomes: list[Outcome]
    ended: bool

    @property
    def failed(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.status == "failed"]


def check_package_in_subprocess(
    name: str, *, seconds: float = SECONDS, gigabytes: float = GIGABYTES
) -> Report:
    """Run every check on everything that a plugin registers, in a subprocess.

    A check that ends the process, exceeds a limit or raises any exception has failed, and the next
    components are checked in another process. What components print is part of their outcomes.

    Args:
        name: an entry point of the group `declnet`, a distribution, or an importable package.
        seconds: the longest time for a check.
        gigabytes: the most memory that the process may use; applies on Linux.

    Returns:
        The outcomes, like `check_package`.

    Raises:
        RegistryError: there is no such plugin.
    """
    request = {"package": name, "path": sys.path, "bytes": int(gigabytes * 2**30)}
    outcomes: dict[str, list[Outcome]] = {}
    ended = True
    while ended:
        ended, shared = False, False
        worker = _Worker({**request, "done": [*outcomes]}, seconds)
        with closing(worker.components()) as components:
            for checked in components:
                ended = checked.ended and checked.component not in outcomes
                if shared and checked.failed:
                    alone = _Worker({**request, "only": checked.component}, seconds)
                    checked = _alone(checked, *alone.components())  # noqa: PLW2901
                outcomes[checked.component] = checked.outcomes
                shared = True
    return Report(name, tuple(outcome for group in outcomes.values() for outcome in group))


def _alone(shared: _Checked, alone: _Checked) -> _Checked:
    """Return what counts of a component that fails after others, and what it does alone."""
    if alone.failed:
        return alone
    first = shared.failed[0]
    fault = (
        f"it passes alone, but after the plugin's other components {first.check} fails: "
        f"{first.message}; one of them changes what all share, or leaves something running"
    )
    failed = replace(first, check="passes_after_others", message=fault)
    return alone._replace(outcomes=[*alone.outcomes, failed])


class _Worker:
    """A process that carries out a request, one component after the other."""

    def __init__(self, request: Mapping[str, Any], seconds: float) -> None:
        self._request, self._seconds, self._is_late = request, seconds, False

    def components(self) -> Generator[_Checked, None, None]:
        """Yield the components that the process has checked, until it has confirmed or ended.

        Raises:
            RegistryError: there is no such plugin.
        """
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            output = Path(folder, "output")
            with output.open("wb") as file:
                self._process = subprocess.Popen(
                    [sys.executable, "-Pc", "from declnet.testing.isolation import serve; serve()"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=file,
                    env={**os.environ, "TMPDIR": folder},
                    start_new_session=True,
                )
            try:
                yield from self._components(output)
            finally:
                self._kill()
                self._process.wait()

    def _components(self, output: Path) -> Iterator[_Checked]:
        component, outcomes, start = f"plugin:{self._request['package']}", list[Outcome](), 0
        case = (component, 0, "can_be_registered")
        for kind, content, end in self._answers():
            if kind == "component":
                component, outcomes, case = content, [], (content, 0, "can_be_built")
            elif kind == "case":
                case = tuple(content)
            elif kind == "outcome":
                outcomes.append(Outcome(**content | {"output": _excerpt(output, start, end)}))
            elif kind == "checked":
                yield _Checked(component, outcomes, ended=False)
            elif kind == "refused":
                raise RegistryError(*content)
            else:
                return
            start = end
        fault = f"{self._end()}; the component's other checks were not run"
        ended = Outcome(*case, "failed", fault, output=_excerpt(output, start, None))
        yield _Checked(component, [*outcomes, ended], ended=True)

    def _answers(self) -> Iterator[tuple[str, Any, int]]:
        """Yield what the process answers: its kind, its content, and how much was printed."""
        assert self._process.stdin is not None  # noqa: S101  # both were asked for
        assert self._process.stdout is not None  # noqa: S101
        with suppress(OSError), self._process.stdin as stdin:
            stdin.write(json.dumps(self._request).encode())
        with self._process.stdout as stdout, suppress(ValueError):  # if a component writes there
            while line := self._in_time(stdout.readline):
                kind, content, end = json.loads(line)
                yield kind, content, end

    def _in_time(self, read: Callable[[], bytes]) -> bytes:
        """Return what the process writes; end it if that takes too long."""
        timer = threading.Timer(self._seconds, self._stop)
        timer.daemon = True
        timer.start()
        try:
            return read()
        finally:
            timer.cancel()

    def _stop(self) -> None:
        """End the process, which prints where it is."""
        self._is_late = self._process.poll() is None
        if self._is_late and os.name == "posix":
            self._process.send_signal(signal.SIGABRT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE)
        self._kill()

    def _kill(self) -> None:
        """Kill the process and those that it has started."""
        if os.name == "posix":
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()

    def _end(self) -> str:
        """Return how the process ended, as the message of a failed check."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        code = self._process.poll()
        if self._is_late:
            return f"it was still running after {self._seconds:g} seconds"
        if code is None:
            return "it closed the files of the process"
        how = f"exit status {code}" if code >= 0 else signal.Signals(-code).name
        return f"it ended the process, with {how}"


def _excerpt(output: Path, start: int, end: int | None) -> str:
    """Return what was written to a file between two positions, without the middle of long texts."""
    end = output.stat().st_size if end is None else end
    with output.open("rb") as file:
        file.seek(max(start, end - LONG_TEXT))
        text = file.read(end - file.tell())
    lines = [
        line[:LONG_LINE] for line in text.decode(errors="replace").splitlines() if line.strip()
    ]
    omitted = len(lines) - FIRST_LINES - LAST_LINES
    if omitted > 0:
        lines[FIRST_LINES:-LAST_LINES] = [f"… {omitted} more lines"]
    return "\n".join(lines)


def serve() -> NoReturn:
    """Run the checks requested on standard input; write a JSON line for each answer."""
    signal.signal(signal.SIGINT, _interrupt)  # so that a component's KeyboardInterrupt is its own
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what components print
    faulthandler.enable()
    request = json.load(sys.stdin)
    sys.path[:] = request["path"]
    _limit_memory(request["bytes"])

    def answer(kind: str, content: object = None) -> None:
        with suppress(Exception):  # a component may have closed or replaced it
            print(end="", flush=True)  # noqa: T201
        answers.write(json.dumps([kind, content, os.fstat(2).st_size]) + "\n")

    try:
        for component, cases in components_of_package(request["package"]):
            if component in request.get("done", ()) or request.get("only", component) != component:
                continue
            answer("component", component)
            for case in cases:
                answer("case", [case.component, case.example, case.check])
                answer("outcome", asdict(case.outcome()))
            answer("checked")
    except RegistryError as error:
        answer("refused", [error.message, error.hint])
    answer("confirmed")
    sys.exit(0)


def _limit_memory(most: int) -> None:
    """Let allocations and files beyond a number of bytes raise exceptions, where the system can."""
    if sys.platform == "linux":
        import resource

        limits = {resource.RLIMIT_DATA: most, resource.RLIMIT_FSIZE: most, resource.RLIMIT_CORE: 0}
        for limit, size in limits.items():
            _, hard = resource.getrlimit(limit)
            resource.setrlimit(limit, (size if hard < 0 else min(size, hard), hard))


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
