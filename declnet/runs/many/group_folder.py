"""The folder of a group: its runs, their specs, the journal, and how runs ended."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from declnet.contracts.runs.plan import Outcome, Plan, Task
from declnet.errors import DeclnetError
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.runs.many.group_file import GroupFile, KnownSpecs, Status, spec_key
from declnet.runs.many.journal import StoredJournal, restored
from declnet.runs.many.shards import shard_runs
from declnet.runs.notices import Notice
from declnet.runs.storage.folder import MANIFEST, SUMMARY, writing
from declnet.runs.storage.record import with_nan
from declnet.runs.storage.writing import write_atomically
from declnet.runs.stored_run import open_run
from declnet.spec.document.overrides import override_of
from declnet.spec.document.source_map import SourceMap
from declnet.spec.model import RunSpec, fit_name
from declnet.spec.tuning import Tuning
from declnet.spec.validate import validate_point
from declnet.spec.varying_keys import TUNE, Point, point_of
from declnet.training.checks.check import Checked


class GroupFolder:
    """The folder of runs that belong together, finished or not.

    Attributes:
        path: the folder.
        file: the content of `group.json`.
        given_plan: the plan of a program, which need not be registered.
        allow_changes: as for `open_run`, of each run.
    """

    def __init__(
        self,
        path: Path,
        file: GroupFile,
        registry: Registry | None = None,
        notice: Notice | None = None,
        specs: KnownSpecs | None = None,
        *,
        allow_changes: bool = False,
    ) -> None:
        self.path, self.file, self.allow_changes = path, file, allow_changes
        self._registry, self._notice = registry, notice
        self._specs: KnownSpecs = dict(specs or {})
        self.given_plan: Plan | None = None

    def with_file(self, file: GroupFile) -> Self:
        """Return the same runs as another file describes them."""
        other = type(self)(
            self.path, file, self._registry, self._notice, allow_changes=self.allow_changes
        )
        if file.tasks is None:  # they are in the journal
            other.journal = self.journal
        return other

    @property
    def name(self) -> str:
        """The name of its spec."""
        return self.file.name

    @property
    def registry(self) -> Registry:
        """Where names are looked up."""
        return self._registry or default_registry()

    @property
    def status(self) -> Status:
        """`finished`, `running` (or killed), or `failed` if a run did."""
        return self.file.status

    @cached_property
    def journal(self) -> StoredJournal:
        """The tasks and their outcomes, as of the first access."""
        return self.read_journal()

    def read_journal(self, *, writes: bool = False) -> StoredJournal:
        """Return the journal as it is now.

        Args:
            writes: whether this process, which has locked the folder, adds to it.

        Raises:
            OutputError: it cannot be read.
        """
        listed = {task.folder: task for task in self.file.tasks or ()}
        self.journal = StoredJournal(self.path, listed, writes=writes)
        return self.journal

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The runs: of a search, those so far; of a shard, its part."""
        tasks = self.file.tasks
        if tasks is None:
            return tuple(self.journal.tasks.values())
        return tasks if self.shard is None else tuple(t for t in tasks if t.folder in self.shard)

    @cached_property
    def shard(self) -> frozenset[str] | None:
        """The folders of the runs of the shard, if the folder holds one; None for all.

        Raises:
            OutputError: the list cannot be read.
        """
        return shard_runs(self.path)

    @cached_property
    def tuning(self) -> Tuning | None:
        """What a study searches.

        Raises:
            SpecError: the spec is no longer valid.
        """
        is_study = TUNE in self.file.specs[0].document
        return (
            self._validated(Point("", {}, None, self._document(0)), 0).tuning if is_study else None
        )

    def spec_of(self, task: Task) -> RunSpec:
        """Return the spec of a run.

        Raises:
            SpecError: the spec is no longer valid, or its changes do not go together.
        """
        key = spec_key(task)
        if key not in self._specs:
            self._specs[key] = self._changed(task), None
        spec, _ = self._specs[key]
        name = task.name or (
            f"{spec.name}-{task.point.replace('/', '-')}" if task.point else spec.name
        )
        update: dict[str, Any] = {"name": fit_name(name)}
        if task.seed is not None:
            update["seed"] = task.seed
        if task.fold is not None:
            update["data"] = spec.data.model_copy(update={"fold": task.fold})
        return spec.model_copy(update=update)

    def _changed(self, task: Task) -> RunSpec:
        if self.tuning is not None:
            return self._validated(self.tuning.point(task.changes), 0)
        changes = [override_of(key, value) for key, value in task.changes.items()]
        return self._validated(point_of(self._document(task.base), changes), task.base)

    def _document(self, number: int) -> SourceMap:
        return SourceMap(restored(self.file.specs[number].document))

    def _validated(self, point: Point, number: int) -> RunSpec:
        folder = Path(self.file.specs[number].folder)
        return validate_point(point, self._registry, folder).require()

    def checked(self, task: Task) -> Checked | None:
        """Return the result of checking a spec that differs in the seed only, if it is known."""
        _, checked = self._specs.get(spec_key(task), (None, None))
        return checked if task.fold is None else None

    def specs(self) -> list[RunSpec]:
        """Return the spec of each point, without seed and fold.

        Raises:
            SpecError: one is no longer valid.
        """
        points = {task.point: task for task in self.tasks}
        return [self.spec_of(replace(point, seed=None, fold=None)) for point in points.values()]

    @cached_property
    def spec_tables(self) -> dict[str, Any]:
        """The spec that all runs share, as plain tables."""
        document: dict[str, Any] = restored(self.file.specs[0].document)
        return document

    def points(self, *, of_shard: bool = True) -> dict[str, list[Task]]:
        """Return the runs by the folder of their point.

        Args:
            of_shard: whether to leave out the runs of other shards.
        """
        by_point: dict[str, list[Task]] = {}
        for task in self.tasks if of_shard else self.file.tasks or self.tasks:
            by_point.setdefault(task.point, []).append(task)
        return by_point

    def point_file(self, name: str) -> GroupFile | None:
        """Return the content of `group.json` for a point; None if the point is a single run."""
        tasks = [task for task in self.points(of_shard=False).get(name, ()) if task.folder != name]
        if not tasks:
            return None
        start, manifests = f"{name}/", self.file.manifests
        has_folds = all(task.fold is not None for task in tasks)
        return GroupFile.of_spec(
            self.spec_of(replace(tasks[0], seed=None, fold=None)),
            [
                Task(task.folder.removeprefix(start), seed=task.seed, fold=task.fold)
                for task in tasks
            ],
            kind="folds" if has_folds else "seeds",
            status="finished" if all(t.folder in manifests for t in tasks) else "running",
            manifests={
                key.removeprefix(start): checksum
                for key, checksum in manifests.items()
                if key.startswith(start)
            },
        )

    @property
    def values(self) -> dict[str, dict[str, Any]]:
        """The values of the keys that vary, by the name of the spec."""
        return {task.name or task.point: dict(task.changes) for task in self.tasks}

    def outcome_of(self, task: Task) -> Outcome:
        """Return the outcome that the folder of a run records; an error if it has not finished."""
        path, error = self.path / task.folder, "it has not begun"
        name, seed = task.name or self.name, task.seed if task.seed is not None else 0
        if (path / MANIFEST).is_file():
            try:
                run = open_run(path)
                name, seed = run.name, run.manifest.seed
                if run.status == "finished":
                    metrics = {data: with_nan(values) for data, values in run.metrics.items()}
                    seconds, stopped = round(run.manifest.seconds or 0.0, 3), run.manifest.stopped
                    return Outcome(name, seed, path, metrics, seconds, None, task.fold, stopped)
                error = run.manifest.error or f"it has not finished ({run.status})"
            except DeclnetError as problem:
                error = str(problem)
        return Outcome(name, seed, path, error=error, fold=task.fold)

    def outcomes(self) -> list[Outcome]:
        """Return the outcome of each run so far, by its folder; a shard has only its runs."""
        return [self.outcome_of(task) for task in self.tasks]

    def write_summary(self, content: bytes, folder: Path | None = None) -> None:
        """Write `summary.json`, of the group or in the folder of a point; raise RunError."""
        path = (folder or self.path) / SUMMARY
        with writing(path):
            write_atomically(path, content)

    def note(self, **changes: Any) -> None:
        """Change fields of the file; raise RunError if it cannot be written."""
        self.file = self.file.model_copy(update=changes)
        self.file.write(self.path)

    def declared_plan(self) -> Plan | None:
        """Return the component that asks for the runs; None if the tasks are listed or searched."""
        if self.given_plan is not None or self.file.plan is None:
            return self.given_plan
        context = {"registry": self.registry, "is_stored": True}
        return Plan.from_declaration(restored(self.file.plan), context)
