"""Training many runs where the caller wants them: in this process, beside each other, elsewhere."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from pathlib import Path

from declnet.contracts.runs.executor import Executor
from declnet.registry.registry import Registry
from declnet.runs.many.executing import on_executor
from declnet.runs.many.tasks import Outcome, Task
from declnet.runs.many.threads import side_by_side
from declnet.runs.many.workers import Follow, at_once, one_after_another


def ignore(_task: Task, _share: float) -> None:
    """Follow no run."""


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
