"""What callbacks learn of groups: which one a run belongs to, and that all of its runs have ended.

The group of a run is read from the files above its folder, so it is known in any thread, process or
machine that trains the run.

After a kill between the last run and the call, `declnet resume` makes the call for a group that has
finished, and calls `Callback.found_finished` for a single run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from declnet.contracts.attribution import attributing_errors
from declnet.contracts.runs.callback import Callback, GroupedRun
from declnet.errors import DeclnetError
from declnet.runs.many.group import Group, groups_above, open_group
from declnet.runs.many.journal import JOURNAL
from declnet.runs.ranking import best_of
from declnet.runs.storage.folder import GROUP, UNTUNED
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
    runs: dict[Path, GroupedRun] = {}
    for run in listed:
        member = grouped_run(group.path / run.path)
        if member is not None:
            runs[run.path] = replace(member, status=run.status, metrics=run.metrics)
    if not runs:
        return
    best, _ = best_of(listed)
    best_run = runs.get(best.path) if best is not None else None
    with attributing_errors(group.registry):
        for callback in callbacks:
            callback.group_finished([*runs.values()], best_run)


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


def grouped_run(directory: str | Path) -> GroupedRun | None:
    """Return a run as a member of its group, by the files above its folder; None without one.

    Args:
        directory: the run's folder.
    """
    run = Path(directory).absolute()
    grouped = None
    for folder in groups_above(run):  # the outermost: for a point of a sweep, the sweep
        try:
            version = tuple(
                (status.st_mtime_ns, status.st_size, status.st_ino)
                for name in (GROUP, JOURNAL)
                if (folder / name).is_file() and (status := (folder / name).stat())
            )
            values = _values_in(folder, version).get(run.relative_to(folder).as_posix())
        except (DeclnetError, OSError):
            continue
        if values is not None:
            grouped = GroupedRun(run, folder, values)
    return grouped


@lru_cache(maxsize=4)  # each run of a sweep asks for the same ones
def _values_in(folder: Path, _version: object) -> Mapping[str, dict[str, Any]]:
    """Return what distinguishes each run of a group from the others, by its folder."""
    group = open_group(folder)
    tasks = group.tasks
    has_seeds = group.file.kind == "sweep" or len({task.seed for task in tasks}) > 1
    values = {}
    for task in tasks:
        is_trial = group.file.kind == "study" and task.point != UNTUNED
        trial = {"trial": int(task.point.rpartition("/")[2])} if is_trial else {}
        seed = {"seed": task.seed} if has_seeds and task.seed is not None else {}
        fold = {"fold": task.fold} if task.fold is not None else {}
        values[task.folder] = {**trial, **task.changes, **seed, **fold}
    return values
