"""Executor: carries out the runs of a group, in this process, in others or on a cluster."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from declnet.contracts.component import Component
from declnet.contracts.returned import BrokenContractError, verified

Progress = Callable[[float], object]
"""Called with the completed fraction of a run, from 0 to 1."""


class ExecutorTask(ABC):
    """A run to carry out."""

    @property
    @abstractmethod
    def text(self) -> str:
        """The task for another process, which calls `declnet.execute_task` with it."""

    @abstractmethod
    def execute(self, progress: Progress | None = None) -> bytes:
        """Carry it out in this process, in any thread, and return the answer.

        A run that fails for a reason that declnet can explain is an answer, too. Its reports
        arrive immediately, without a `TaskUpdate`.

        Args:
            progress: called with the completed fraction of the run, often.
        """


@dataclass(frozen=True)
class TaskUpdate:
    """An update on a task: its progress, its answer, or the reason that there is no answer.

    Attributes:
        task: the task, counted from 0 in the order in which the executor took them.
        done: the completed fraction, from 0 to 1; ignored with an answer or a failure.
        answer: what `execute_task` or `ExecutorTask.execute` returned.
        failure: why there will be no answer, e.g. because a machine is lost.
        report: text that `execute_task` gave to its argument `report`.
        stop: called with the text that the task's next call of `report` returns, if there is one;
            None if nothing can be sent to the task.
    """

    task: int
    done: float = 0.0
    answer: bytes | None = None
    failure: str | None = None
    report: str | None = None
    stop: Callable[[str], object] | None = None


class Executor(Component):
    """A way to carry out many runs, named by `--on`.

    It takes tasks, has `declnet.execute_task` called with the text of each in another process,
    usually on another machine, and brings back the bytes that this returns. declnet knows what
    they mean, and writes the folders of the runs.

    `--on TYPE:ADDRESS` sets the field `address` of executors that have one.
    """

    kind = "executor"
    conformance_checks = "declnet.testing.checks.executors"
    required_methods = ("execute",)

    def unavailable(self) -> str | None:
        """Return why it cannot be used here, or None; default: None.

        It is called before anything is written: for a missing package, name what installs it; a
        cluster that cannot be reached is a reason, too.
        """
        return None

    def execute(self, tasks: Iterator[ExecutorTask]) -> Iterator[TaskUpdate]:
        """Have each task carried out, and yield an update whenever there is news of one.

        Of each task there is one update with an answer or a failure, in any order, and no other
        after it; `done` is for display only and may never come. A task may be carried out again
        from its beginning where it was lost, e.g. with a machine: this leads to the same results.

        Trials of `declnet tune` are stopped early by reports, in updates of their own. Without
        them, declnet reads the history in a run's folder at each update of any task, if the file
        system is shared, and stops it by a file; without both, no trial is stopped early.

        If the caller has enough, it closes the iterator: end or stop the tasks then, as for an
        interrupt (`KeyboardInterrupt` in the process that carries it out).

        Args:
            tasks: the tasks. Take the next one only when there is room for it, since some are
                made from the results of others, and only from the thread that asks for updates.
                Once it is exhausted, there may be more after another task has ended: ask again, or
                end when all tasks have, to be called again.

        Raises:
            RunError: none of the remaining tasks can be carried out, e.g. the cluster is gone.
        """
        raise NotImplementedError


def updates_of(
    executor: Executor, tasks: Iterator[ExecutorTask], waiting: Mapping[int, object]
) -> Generator[TaskUpdate]:
    """Yield the verified updates of an executor.

    Args:
        executor: the executor.
        tasks: the tasks, as for `execute`.
        waiting: the tasks that it has taken and not answered, by number.

    Raises:
        BrokenContractError: an update is invalid, or about another task.
    """
    updates: Any = verified(Executor.execute, executor, tasks)
    with closing(updates):
        for update in updates:
            if update.task not in waiting:
                fault = f"has news of task {update.task}, which it was not given or has answered"
                raise BrokenContractError(executor, "execute", fault)
            yield update
