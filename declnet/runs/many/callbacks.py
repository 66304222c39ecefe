"""Notifying the callbacks of a group that all of its runs have ended, or why they have not.

After a kill between the last run and the call, `declnet resume` makes the call for a group that has
finished, and calls `Callback.found_finished` for a single run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from declnet.contracts.attribution import attributing_errors
from declnet.contracts.runs.callback import Callback, GroupedRun
from declnet.runs.many.group import Group
from declnet.runs.many.membership import grouped_run
from declnet.runs.ranking import best_of
from declnet.runs.storage.listing import ListedRun, list_runs


def finish_group(group: Group) -> None:
    """Notify callbacks that all runs of a group have ended; equal ones only once.

    Raises:
        ComponentError: a callback raised an exception.
    """
    callbacks = _callbacks(group, "group_finished")
    if not callbacks:
        return
    listed = [run for run in list_runs(group.path) if isinstance(run, ListedRun)]
    runs = [run for run in (_grouped(run, group) for run in listed) if run is not None]
    if not runs:
        return
    best, _ = best_of(listed)
    best_run = _grouped(best, group) if best is not None else None
    with attributing_errors(group.registry):
        for callback in callbacks:
            callback.group_finished(runs, best_run)


@contextmanager
def notifying_failure(group: Group) -> Iterator[None]:
    """Notify callbacks of an exception that ends the runs of a group early, and raise it."""
    try:
        yield
    except BaseException as error:
        try:
            with attributing_errors(group.registry):
                for callback in _callbacks(group, "group_failed"):
                    callback.group_failed(group.path.absolute(), error)
        except Exception as another:  # report the first one
            error.add_note(f"the callbacks of {group.path} were not told: {another}")
        raise


def _callbacks(group: Group, method: str) -> list[Callback]:
    """Return the callbacks of all specs that override a method, without equal ones."""
    callbacks: list[Callback] = []
    if "callbacks" not in group.file.model_dump_json(include={"specs", "tasks"}):
        return callbacks  # as in most sweeps, of which there may be thousands of points
    for spec in group.specs():
        for callback in spec.training.callbacks:
            if (
                getattr(type(callback), method) is not getattr(Callback, method)
                and callback not in callbacks
            ):
                callbacks.append(callback)
    return callbacks


def _grouped(run: ListedRun, group: Group) -> GroupedRun | None:
    member = grouped_run(group.path / run.path)
    if member is None:
        return None
    return GroupedRun(member.directory, member.group, member.values, run.status, run.metrics)
