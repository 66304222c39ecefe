"""The executor ray: each run is a task of a Ray cluster."""

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from typing import Any

from pydantic import Field

from declnet import Executor, ExecutorTask, RunError, TaskUpdate, execute_task

HEARTBEAT = 1.0
"""Seconds between news of a run's progress, and between looks at the size of the cluster."""

ENDING = 20.0
"""Maximum number of seconds in which stopped runs may record that they were interrupted."""


class RayExecutor(Executor):
    """A Ray cluster with a task for each run; tasks of a lost node are restarted elsewhere.

    Without an address: the cluster of `RAY_ADDRESS` or of this machine, else one that is started on
    this machine and ends with declnet. `ray:auto` requires a running one, `ray:HOST:6379` names
    one from a machine that belongs to it, and `ray://HOST:10001` from any other machine.
    """

    type = "ray"
    examples = ({}, {"address": "auto", "cpus": 2})
    expected_failures = {
        "has_no_side_effects": "Ray starts processes, and handles signals while it is connected"
    }

    address: str | None = Field(default=None, description="address of the cluster; see above")
    cpus: float = Field(default=1, gt=0, description="number of processors for each run")
    attempts: int = Field(
        default=4, ge=1, description="number of attempts for a run whose process is lost"
    )

    def unavailable(self) -> str | None:
        """Connect to the cluster, and return why that cannot be done, or None."""
        if find_spec("ray") is None:
            return "ray is not installed: pip install 'declnet[ray]'"
        import ray

        if ray.is_initialized():
            return None
        address = self.address
        if address is not None and address.startswith("//"):
            address = f"ray:{address}"
        level = logging.WARNING
        try:
            ray.init(address=address, log_to_driver=False, logging_level=level)
        except Exception as error:  # of any class, also Exception itself
            named = "" if address is None else f" at {address}"
            reason = str(error).strip().partition("\n")[0]
            return f"there is no Ray cluster{named} to connect to: {reason}"
        return None

    def execute(self, tasks: Iterator[ExecutorTask]) -> Iterator[TaskUpdate]:
        """Submit twice as many tasks as the cluster can run, so that it is never idle."""
        why = self.unavailable()
        if why is not None:
            raise RunError(why)
        import ray

        board = _board()
        options = {"num_cpus": self.cpus, "max_retries": self.attempts - 1}
        remote = ray.remote(**options)(_carry_out)
        numbers: dict[Any, int] = {}
        started = 0
        room, due = 0, 0.0
        try:
            while True:
                if time.monotonic() >= due:
                    room = max(1, int(2 * ray.cluster_resources().get("CPU", 1) / self.cpus))
                    due = time.monotonic() + HEARTBEAT
                    yield from _news(board, frozenset(numbers.values()))
                while len(numbers) < room and (task := next(tasks, None)) is not None:
                    numbers[remote.remote(task.text, started, board)] = started
                    started += 1
                if not numbers:
                    return
                ready, _ = ray.wait(
                    list(numbers), num_returns=1, timeout=HEARTBEAT, fetch_local=False
                )
                for reference in ready:
                    yield _answer(reference, numbers.pop(reference))
        finally:
            _stop(list(numbers))


def _carry_out(task: str, number: int, board: Any) -> bytes:
    """Carry out a task on a node, and have its progress written on the board now and then."""
    import ray

    last = time.monotonic()

    def progress(done: float) -> None:
        nonlocal last
        if time.monotonic() - last >= HEARTBEAT:
            last = time.monotonic()
            board.write.remote(number, done)

    def report(text: str) -> str | None:
        with suppress(ray.exceptions.RayError):  # the board is being restarted on another node
            reason: str | None = ray.get(board.report.remote(number, text), timeout=HEARTBEAT)
            return reason
        return None

    return execute_task(task, progress, report)


class _Board:
    """A message board between the runs and the process that waits for them."""

    def __init__(self) -> None:
        self._done: dict[int, float] = {}
        self._reports: list[tuple[int, str]] = []
        self._stops: dict[int, str] = {}

    def write(self, number: int, done: float) -> None:
        self._done[number] = done

    def report(self, number: int, text: str) -> str | None:
        self._reports.append((number, text))
        return self._stops.get(number)

    def stop(self, number: int, reason: str) -> None:
        self._stops[number] = reason

    def take(self) -> tuple[dict[int, float], list[tuple[int, str]]]:
        results = self._done, self._reports
        self._done, self._reports = {}, []
        return results


def _board() -> Any:
    """Return a board, if possible on this node, which does not end before this process."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    return ray.remote(num_cpus=0, max_restarts=-1, scheduling_strategy=here)(_Board).remote()


def _news(board: Any, running: frozenset[int]) -> Iterator[TaskUpdate]:
    """Yield what the runs report, and how far they are; nothing if the board cannot be read now."""
    import ray

    if not running:
        return
    with suppress(ray.exceptions.RayError):  # it is being restarted on another node
        done, reports = ray.get(board.take.remote(), timeout=HEARTBEAT)
        for number, text in reports:
            if number in running:
                stop = partial(board.stop.remote, number)
                yield TaskUpdate(number, report=text, stop=stop)
        for number, share in done.items():
            if number in running:
                yield TaskUpdate(number, share)


def _answer(reference: Any, number: int) -> TaskUpdate:
    import ray

    update = partial(TaskUpdate, number)
    try:
        return update(answer=ray.get(reference))
    except ray.exceptions.RayTaskError as error:
        return update(failure=f"on a node of the cluster: {error.cause!r}")
    except ray.exceptions.RayError as error:  # begun as often as allowed, and lost each time
        return update(failure=" ".join(str(error).split()) or type(error).__name__)


def _stop(references: list[Any]) -> None:
    """Interrupt the runs, and wait until they have recorded it."""
    import ray

    with suppress(ray.exceptions.RayError, ConnectionError):
        for reference in references:
            ray.cancel(reference)
        if references:
            ray.wait(references, num_returns=len(references), timeout=ENDING, fetch_local=False)
