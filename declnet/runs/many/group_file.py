"""`group.json`: the specs and tasks of a group, written before its first run begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from declnet.contracts.runs.plan import Task
from declnet.runs.many.journal import plain, restored, without_folders
from declnet.runs.storage.folder import GROUP, read_json, writing
from declnet.runs.storage.writing import json_document, write_atomically
from declnet.spec.members import WEIGHTS
from declnet.spec.model import RunSpec, resolved_document
from declnet.spec.varying_keys import TUNE
from declnet.stored import Stored
from declnet.training.checks.check import Checked

PREDICTORS = ("folds", "seeds", "members")
"""The kinds of groups whose models are always used as one."""

Status = Literal["running", "finished", "failed"]
KnownSpecs = dict[str, tuple[RunSpec, Checked | None]]
"""Specs of points, each with the result of checking it, by `spec_key`."""

Metric = tuple[str, str]


def _inside(task: Task) -> Task:
    for path in (PurePath(task.folder), PurePath(task.point)):
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{task.folder!r} is not a folder within this one")
    return task


StoredTask = Annotated[Task, AfterValidator(_inside)]


class StoredSpec(BaseModel):
    """A spec of a group.

    Attributes:
        document: its tables, as `plain` writes them.
        folder: the base of relative paths.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    document: dict[str, Any]
    folder: str

    @classmethod
    def from_document(cls, document: Mapping[str, Any], folder: Path) -> StoredSpec:
        """Return a document as it is stored."""
        return cls(document=plain(document), folder=str(folder))


class GroupFile(BaseModel):
    """The content of `group.json`.

    Attributes:
        kind: what the group is called in messages.
        name: the name of its first spec.
        status: `running` also if its process was killed; `failed` if a run did.
        specs: the specs that tasks change; one with a section `[tune]` is searched.
        tasks: all runs, if they are known in advance.
        plan: the component that asks for the runs otherwise; None for a search.
        metric: the metric to compare by; None for the main one.
        ascending: whether its lowest mean comes first; None for the best.
        minutes: the time after which no more is trained, over all resumptions.
        weights: of members, the weight of each by the folder of its runs, those of 0 included; of a
            study, only of trials that have weight in some mean, or are shown beside it; None until
            they are selected.
        fold_weights: of members with selected weights, those that the other folds select for each
            fold, by the folder of its run within that of the member.
        worker: what identifies this folder among those that share a study.
        seconds: how long the group was trained, over all resumptions.
        manifests: the checksum of the manifest of each finished run, once all have ended.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    format: Literal[1] = 1
    kind: Literal["folds", "seeds", "members", "sweep", "study", "plan"]
    name: str
    status: Status = "running"
    specs: Annotated[tuple[StoredSpec, ...], Field(min_length=1)]
    tasks: Annotated[tuple[StoredTask, ...], Field(min_length=1)] | None = None
    plan: dict[str, Any] | None = None
    metric: str | None = None
    ascending: bool | None = None
    minutes: float | None = None
    weights: dict[str, float] | None = None
    fold_weights: dict[str, dict[str, float]] | None = None
    worker: str = ""
    seconds: float = 0.0
    manifests: dict[str, str] = {}

    @property
    def has_members(self) -> bool:
        """Whether models of several specs are used as one: members, or trials with weights."""
        searched = self.specs[0].document.get(TUNE, {}) if self.kind == "study" else {}
        return self.kind == "members" or WEIGHTS in searched

    @property
    def is_predictor(self) -> bool:
        """Whether the models of its runs are used as one."""
        return self.kind in PREDICTORS or self.has_members

    @classmethod
    def of_spec(
        cls, spec: RunSpec, tasks: Sequence[Task] | None = None, **fields: Any
    ) -> GroupFile:
        """Return the content for runs of one spec, whose tasks are None if they are not known."""
        stored = StoredSpec.from_document(resolved_document(spec), spec.folder)
        listed = tuple(tasks) if tasks is not None else None
        return cls(name=spec.name, specs=(stored,), tasks=listed, **fields)

    def write(self, folder: Path) -> None:
        """Write the file; raise RunError if that fails."""
        content = self
        if self.tasks is not None:
            content = self.model_copy(update={"tasks": tuple(map(without_folders, self.tasks))})
        with writing(folder / GROUP):
            plain_content = content.model_dump(exclude_defaults=True) | {"format": 1}
            write_atomically(folder / GROUP, json_document(plain_content))

    @classmethod
    def read(cls, folder: Path) -> GroupFile:
        """Read the file; raise OutputError if it cannot be read."""
        file = read_json(folder / GROUP, Stored[GroupFile](cls))
        tasks = file.tasks
        if tasks is not None:
            tasks = tuple(replace(task, changes=restored(task.changes)) for task in tasks)
        return file.model_copy(update={"tasks": tasks})


def spec_key(task: Task) -> str:
    """Return a key for the spec of a task, which does not depend on its seed, fold and name."""
    return f"{task.base} {sorted(task.changes.items())!r}"


def one_model(tasks: Sequence[Task]) -> bool:
    """Return whether runs differ in seed and fold only, so that their models are one."""
    return len({(task.point, spec_key(task)) for task in tasks}) == 1
