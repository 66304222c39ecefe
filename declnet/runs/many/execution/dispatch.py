"""Where tasks are executed: one by one, in threads, in processes, or on an executor."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from pathlib import Path

from declnet.contracts.returned import why_unavailable
from declnet.contracts.runs.executor import Executor
from declnet.data.sources.loading import GivenData
from declnet.data.splits import Data
from declnet.errors import RunError
from declnet.registry.registry import Registry
from declnet.runs.many.execution.executors import on_executor
from declnet.runs.many.execution.tasks import Follow, Outcome, Task, one_after_another
from declnet.runs.many.execution.threads import side_by_side
from declnet.runs.many.execution.workers import at_once
from declnet.runs.run import given_data
from declnet.training.alongside import usable_cores


def ignore(_task: Task, _share: float) -> None:
    """Follow no run."""


def given_for(
    data: GivenData | Mapping[str, GivenData] | None, executor: Executor | None
) -> dict[str, Data] | None:
    """Return the data that a program passes to many runs.

    Raises:
        DataError: it is invalid.
        RunError: the executor cannot be used here, or cannot pass data on.
    """
    why = why_unavailable(executor) if executor is not None else None
    if why is not None:
        raise RunError(why)
    if data is not None and executor is not None:
        raise RunError("an executor cannot pass data on: write it to a file that the spec names")
    return given_data(data) if data is not None else None


def jobs_for(tasks: Sequence[Task], jobs: int | None = None) -> int:
    """Return how many tasks to execute at the same time.

    Args:
        tasks: the tasks.
        jobs: the number that the user wants; None for as many as the cores of this process, divided
            by the threads that each run wants.
    """
    if jobs is None:
        threads = max((each.spec.engine.threads or 1 for each in tasks), default=1)
        jobs = usable_cores() // threads
    return max(1, min(jobs, len(tasks)))


def outcomes_of(
    tasks: Iterable[Task],
    registry: Registry,
    *,
    jobs: int = 1,
    disabled: Sequence[str] = (),
    follow: Follow = ignore,
    executor: Executor | None = None,
    parent: Path,
) -> Generator[Outcome, None, None]:
    """Execute tasks; yield outcomes in order of completion.

    Args:
        tasks: the tasks. An iterator that is no sequence makes them from the outcomes of others:
            each is taken when there is room for it.
        registry: where names are looked up.
        jobs: how many to execute at once on this machine.
        disabled: plugins that other processes disable.
        follow: called with a task and its completed fraction.
        executor: where to execute them; None for this machine.
        parent: the folder that holds the folders of all tasks.
    """
    if executor is not None:
        yield from on_executor(tasks, executor, parent, registry, disabled, follow)
    elif jobs == 1:
        yield from one_after_another(tasks, registry, follow)
    elif isinstance(tasks, Sequence):
        yield from side_by_side(tasks, jobs, registry, disabled, follow)
    else:
        yield from at_once(tasks, jobs, disabled, follow)
