"""Which group a run belongs to, and what distinguishes it from the others.

It is read from the files above the run's folder, so it is known in any thread, process or machine
that trains the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from declnet.contracts.runs.callback import GroupedRun
from declnet.errors import DeclnetError
from declnet.runs.many.group import groups_above, open_group
from declnet.runs.many.journal import JOURNAL
from declnet.runs.storage.folder import GROUP, UNTUNED


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
