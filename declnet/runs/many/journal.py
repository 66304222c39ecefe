"""The journal of a group in its folder: a line for each task, report, decision and end.

A line that a kill cut off is removed, as if it had not been written. A task is written before its
folder, an end after it; reports are written together, since the histories of runs have them too.

So a plan that is asked again after a kill finds a journal that lacks nothing it has decided by.
`summary.json` is for readers; only a study, which has the trials of other machines, reads it
again. Decisions to stop are made under one lock, in the thread that trains: with one job, the same
seed gives the same trials to the bit.
"""

from __future__ import annotations

import math
import time
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from datetime import time as time_of_day
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel
from pydantic_core import to_json

from declnet.contracts.runs.plan import Journal, Outcome, Task
from declnet.contracts.serialization import Number
from declnet.contracts.strict_model import LocatedString
from declnet.runs.storage.folder import reading, writing
from declnet.runs.storage.writing import open_file, read_bytes
from declnet.spec.document.variables import literal_value
from declnet.stored import Stored

JOURNAL = "journal.jsonl"

SECONDS_BETWEEN_WRITES = 0.5
"""The longest time that a report waits for others to be written with it."""

_TEXT, _FOLDER, _TOML = "declnet:text", "declnet:folder", "declnet:toml"
_OUTCOME = ("name", "seed", "fold", "metrics", "seconds", "error", "stopped")


_TASK = ("seed", "fold", "point", "name", "continues")


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts:
        raise ValueError(f'"{name}" is not a folder within this one')
    return name


Folder = Annotated[str, AfterValidator(_inside)]
"""The path of a folder, relative to the group's."""


@dataclass(frozen=True, kw_only=True)
class _Line:
    """An entry: one of the first four fields names the folder of a run."""

    ask: Folder | None = None
    report: Folder | None = None
    stop: Folder | None = None
    end: Folder | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    fold: int | None = None
    point: str = ""
    name: str = ""
    continues: Folder | None = None
    base: int | None = None
    epoch: int | None = None
    value: float | None = None
    reason: str = ""
    metrics: dict[str, dict[str, Number]] = field(default_factory=dict)
    seconds: float | None = None
    error: str | None = None
    stopped: str | None = None


_LINE = Stored[_Line](_Line)


class StoredJournal(Journal):
    """The journal in a folder.

    Args:
        folder: the group's folder.
        tasks: the tasks that are known in advance, by folder.
        writes: whether this process, which has locked the folder, adds to it.

    Raises:
        OutputError: the file cannot be read.
    """

    def __init__(self, folder: Path, tasks: Mapping[str, Task], *, writes: bool = False) -> None:
        super().__init__()
        self._folder, self._listed = folder, tasks
        self._path, self._lines, self._written = folder / JOURNAL, list[bytes](), 0.0
        self._reading = True
        with reading(self._path), suppress(FileNotFoundError):
            self._read(writes=writes)
        self._reading = False

    def ask(self, task: Task) -> None:
        """See `Journal`."""
        super().ask(task)
        line: dict[str, Any] = {"ask": task.folder}
        if task.folder not in self._listed:
            defaults = asdict(Task(""))
            fields = {key: value for key, value in vars(task).items() if value != defaults[key]}
            del fields["folder"]
            line |= {**fields, "changes": plain(task.changes)}
        self._add(line)

    def report(self, task: Task, epoch: int, value: float) -> None:
        """See `Journal`."""
        super().report(task, epoch, value)
        waits = time.monotonic() < self._written + SECONDS_BETWEEN_WRITES
        self._add({"report": task.folder, "epoch": epoch, "value": value}, waits=waits)

    def stop(self, task: Task, epoch: int, reason: str) -> None:
        """See `Journal`."""
        super().stop(task, epoch, reason)
        self._add({"stop": task.folder, "epoch": epoch, "reason": reason}, waits=True)

    def end(self, task: Task, outcome: Outcome) -> None:
        """See `Journal`."""
        super().end(task, outcome)
        self._add({"end": task.folder, **{name: getattr(outcome, name) for name in _OUTCOME}})

    def _add(self, line: Mapping[str, Any], *, waits: bool = False) -> None:
        if self._reading:
            return
        self._lines.append(to_json(line, inf_nan_mode="null") + b"\n")
        if not waits:
            lines, self._lines, self._written = b"".join(self._lines), [], time.monotonic()
            with writing(self._path), open_file(self._path, "ab") as file:
                file.write(lines)

    def _read(self, *, writes: bool) -> None:
        content = read_bytes(self._path)
        whole = content[: content.rfind(b"\n") + 1]
        if writes and whole != content:
            with self._path.open("r+b") as file:
                file.truncate(len(whole))
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                self._take(_LINE.parse(line))
            except (ValueError, KeyError) as error:
                raise ValueError(f"line {number}: {error}") from None

    def _take(self, line: _Line) -> None:
        if line.ask is not None:
            fields = {name: getattr(line, name) for name in _TASK}
            task = Task(line.ask, restored(line.changes), base=line.base or 0, **fields)
            self.ask(self._listed.get(line.ask, task))
        elif line.report is not None and line.epoch is not None and line.value is not None:
            self.report(self.tasks[line.report], line.epoch, line.value)
        elif line.stop is not None and line.epoch is not None:
            self.stop(self.tasks[line.stop], line.epoch, line.reason)
        elif line.end is None:
            raise ValueError("is not an entry of a journal")
        elif line.end in self.tasks:  # else of a shard whose folder was copied here
            outcome = {name: getattr(line, name) for name in _OUTCOME}
            outcome["seed"] = line.seed or 0
            self.end(self.tasks[line.end], Outcome(directory=self._folder / line.end, **outcome))


def plain(value: Any) -> Any:
    """Return a value of a spec as JSON, which `restored` converts back.

    Strings keep the folders of their files; JSON has no dates and infinite numbers.
    """
    if isinstance(value, BaseModel):
        value = literal_value(value.model_dump(mode="json", exclude_none=True))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, LocatedString):
        return {_TEXT: str(value), _FOLDER: str(value.folder)}
    if isinstance(value, date | time_of_day):
        return {_TOML: value.isoformat()}
    if isinstance(value, float) and not math.isfinite(value):
        return {_TOML: str(value)}
    return str(value) if isinstance(value, Path) else value


def restored(value: Any) -> Any:
    """Return the value that `plain` converted."""
    if isinstance(value, dict):
        if value.keys() == {_TEXT, _FOLDER}:
            return LocatedString(value[_TEXT], Path(value[_FOLDER]))
        if value.keys() == {_TOML}:
            return tomllib.loads(f"value = {value[_TOML]}")["value"]
        return {key: restored(item) for key, item in value.items()}
    return [restored(item) for item in value] if isinstance(value, list) else value


def without_folders(task: Task) -> Task:
    """Return a task as it is in `group.json`."""
    return replace(task, changes=plain(task.changes))
