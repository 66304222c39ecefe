"""Shards: the runs of a sweep, of seeds or of folds, divided among machines that share nothing.

Each shard is trained in its own folder, whose `shard-3-of-64.json` lists its runs. Copied into
one, the folders are the whole: it then has several such files, so none limits it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from declnet.contracts.runs.plan import Task
from declnet.runs.storage.folder import SHARD, read_json, reading, writing
from declnet.runs.storage.writing import make_folder, write_atomically
from declnet.spec.model import RunSpec
from declnet.stored import Stored


@dataclass(frozen=True)
class Shard:
    """One part of the runs of a group.

    Attributes:
        number: which part, from 1.
        count: how many there are.
    """

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}-of-{self.count}"

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Return the shard that a text such as `3/64` names.

        Raises:
            ValueError: it has another form, or there is no such shard.
        """
        match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip())
        if match is None:
            raise ValueError(f'"{text}" is not a shard; write e.g. 3/64, the third of 64')
        shard = cls(int(match[1]), int(match[2]))
        if not 1 <= shard.number <= shard.count:
            raise ValueError(f'"{text}" is not a shard; they are numbered from 1 to {shard.count}')
        return shard

    def every(self, names: Iterable[str]) -> list[str]:
        """Return this shard's part of some names: in order, every `count`-th one."""
        return sorted(names)[self.number - 1 :: self.count]

    def within(self, tasks: Iterable[Task], spec_of: Callable[[Task], RunSpec]) -> list[Task]:
        """Return the tasks that belong to this shard, in order.

        Args:
            tasks: tasks with their seeds, of which those of one point follow each other.
            spec_of: returns the spec of a task.
        """
        shard = []
        for _, runs in groupby(tasks, key=lambda task: (task.base, task.point)):
            same = list(runs)
            digest = spec_digest(spec_of(same[0]))
            shard += [task for task in same if self._holds(digest, task)]
        return shard

    def _holds(self, digest: str, task: Task) -> bool:
        hashed = hashlib.sha256(f"{digest} {task.seed} {task.fold}".encode()).digest()
        return int.from_bytes(hashed[:8], "big") % self.count == self.number - 1


def spec_digest(spec: RunSpec) -> str:
    """Return a hash of what a spec's runs have in common on all machines.

    Neither the name, which depends on what else a sweep varies, nor seed and fold count, and of a
    path only the last part. Keys with their default are left out, so a later declnet with more of
    them finds the same.
    """
    leave_out: Any = {"name": True, "seed": True, "data": {"fold"}}
    tables = spec.model_dump(exclude_none=True, exclude_defaults=True, exclude=leave_out)
    text = json.dumps(tables, sort_keys=True, default=_as_text)
    return hashlib.sha256(text.encode()).hexdigest()


def _as_text(value: Any) -> str:
    return value.name if isinstance(value, Path) else str(value)


@dataclass(frozen=True)
class _ShardContent:
    """Which runs a folder of one shard has, by their paths within it."""

    shard: int
    of: int
    runs: tuple[str, ...]


_SHARD_FILE = Stored[_ShardContent](_ShardContent)


def begin_shard(directory: Path, shard: Shard, tasks: Iterable[Task]) -> None:
    """Write the list of a shard's runs, before `group.json`.

    Args:
        directory: the folder; made if it is not there.
        shard: the shard.
        tasks: its runs.

    Raises:
        RunError: it cannot be written.
    """
    content = _ShardContent(shard.number, shard.count, tuple(task.folder for task in tasks))
    path = directory / f"shard-{shard}.json"
    with writing(path):
        make_folder(directory)
        write_atomically(path, _SHARD_FILE.write(content))


def shard_runs(directory: Path) -> frozenset[str] | None:
    """Return the runs of the shard in a folder; None if it holds none, or several.

    Raises:
        OutputError: the file that lists them cannot be read.
    """
    with reading(directory):
        files = [path for path in directory.iterdir() if SHARD.fullmatch(path.name)]
    return frozenset(read_json(files[0], _SHARD_FILE).runs) if len(files) == 1 else None
