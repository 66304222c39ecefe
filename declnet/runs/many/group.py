"""`open_group`: the folder of runs that belong together: folds, seeds, a sweep or a study.

`group.json` has the specs and the plan, and is written first: from then on the group can be
resumed, whatever happens. `journal.jsonl` has what was trained, `summary.json` its results. Runs
that differ in seed and fold only are a group of their own, in a folder that need not have the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from declnet.contracts.runs.plan import Outcome, Plan, Task
from declnet.errors import DeclnetError, OutputError
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.runs.many.ensemble import Ensemble
from declnet.runs.many.group_file import (
    GroupFile,
    KnownSpecs,
    Metric,
    Status,
    spec_key,
)
from declnet.runs.many.journal import StoredJournal, plain, restored
from declnet.runs.many.ranking import best_first
from declnet.runs.many.series import RunSeries, series_of
from declnet.runs.many.shards import shard_runs
from declnet.runs.many.study import Study
from declnet.runs.notices import Notice
from declnet.runs.storage.folder import (
    FORMER_GROUPS,
    GROUP,
    MANIFEST,
    SUMMARY,
    reading,
    writing,
)
from declnet.runs.storage.record import with_nan
from declnet.runs.storage.writing import json_document, write_atomically
from declnet.runs.stored_run import open_run
from declnet.spec.document.overrides import override_of
from declnet.spec.document.source_map import SourceMap
from declnet.spec.model import RunSpec, fit_name
from declnet.spec.points import Point, point_of
from declnet.spec.tuning import TUNE, Tuning
from declnet.spec.validate import validate_point
from declnet.training.checks.check import Checked

if TYPE_CHECKING:
    from declnet.display.tables import ResultTable
    from declnet.runs.inference.evaluation import Evaluation
PREDICTORS = ("folds", "seeds", "members")
"""The kinds of groups whose models are used as one."""


def is_group(path: str | Path) -> bool:
    """Return whether a folder is that of a group, or of a point of one."""
    return _file_at(Path(path)) is not None


def is_predictor(path: str | Path) -> bool:
    """Return whether a folder is that of folds or seeds, whose models are used as one."""
    file = _file_at(Path(path))
    return file is not None and file.kind in PREDICTORS


def open_group(
    path: str | Path, registry: Registry | None = None, *, notice: Notice | None = None
) -> Group:
    """Open the folder of folds, seeds, a sweep or a study, finished or not.

    Args:
        path: the folder that `run`, `sweep` or `tune` wrote, or that of a point of a sweep.
        registry: where names are looked up; default: all installed plugins.
        notice: as for `open_run`.

    Raises:
        OutputError: the folder is not a group's, or its file cannot be read.
    """
    path = Path(path)
    with reading(path):
        file = _file_at(path, registry)
        if file is not None:
            return Group(path, file, registry, notice)
        former = next((group for group in FORMER_GROUPS if (path / group).is_file()), None)
        if former is not None:
            message = f"{former} is from an earlier version of declnet, whose runs can only be "
            raise OutputError(f"{path}: {message}opened one by one; train the group again")
        what = "has no" if path.is_dir() else "there is no such folder, so no"
        raise OutputError(f"{path}: {what} {GROUP}, which lists runs that belong together")


def _file_at(path: Path, registry: Registry | None = None) -> GroupFile | None:
    """Return what `group.json` has or, in the folder of a point, would have; None without one."""
    with reading(path):
        if (path / GROUP).is_file():
            return GroupFile.read(path)
        path = path.absolute()
        if path.is_dir() and not (path / MANIFEST).is_file():
            for parent in (path.parent, path.parent.parent):
                if (parent / GROUP).is_file():
                    outer = Group(parent, GroupFile.read(parent), registry)
                    return outer.point_file(path.relative_to(parent).as_posix())
    return None


class Group(Ensemble, Study):
    """A folder of runs that belong together, finished or not.

    Attributes:
        path: the folder.
        file: the content of `group.json`.
        given_plan: the plan of a program, which need not be registered.
    """

    def __init__(
        self,
        path: Path,
        file: GroupFile,
        registry: Registry | None = None,
        notice: Notice | None = None,
        specs: KnownSpecs | None = None,
    ) -> None:
        self.path, self.file = path, file
        self._registry, self._notice = registry, notice
        self._specs = {key: spec for key, (spec, _) in (specs or {}).items()}
        self._checked = {key: checked for key, (_, checked) in (specs or {}).items()}
        self.given_plan: Plan | None = None

    def _repr_html_(self) -> str:
        from declnet.runs.display.results import group_view

        return group_view(self)

    @property
    def is_predictor(self) -> bool:
        """Whether the models of its runs are used as one."""
        return self.file.kind in PREDICTORS

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
    def evaluations(self) -> tuple[Evaluation, ...]:
        """The models together, on each of `evaluated_on` that all runs have; none before the end.

        Raises:
            DeclnetError: as `evaluate` does.
        """
        if self.status != "finished" or not self.is_predictor:
            return ()
        known = set.intersection(*(set(run.manifest.data) for run in self.runs))
        return tuple(self.evaluate(name) for name in self.evaluated_on if name in known)

    def tables(self) -> tuple[ResultTable, ...]:
        """Return the results as tables: of the models together, of the runs, trials and keys.

        Raises:
            DeclnetError: as `series` and `evaluate` do.
        """
        from declnet.runs.display.group_tables import group_tables

        return tuple(group_tables(self))

    @cached_property
    def journal(self) -> StoredJournal:
        """What was asked for and what came of it, as of the first access."""
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
        """The runs, if the plan is a search those so far; for a shard, its own."""
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
            self._specs[key] = self._changed(task)
        spec = self._specs[key]
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
        return self._checked.get(spec_key(task)) if task.fold is None else None

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
        found: dict[str, list[Task]] = {}
        for task in self.tasks if of_shard else self.file.tasks or self.tasks:
            found.setdefault(task.point, []).append(task)
        return found

    def point_file(self, name: str) -> GroupFile | None:
        """Return the content of `group.json` for a point; None if it has one run that is itself."""
        tasks = [each for each in self.points(of_shard=False).get(name, ()) if each.folder != name]
        if not tasks:
            return None
        start, manifests = f"{name}/", self.file.manifests
        return GroupFile.of_spec(
            self.spec_of(replace(tasks[0], seed=None, fold=None)),
            [
                Task(task.folder.removeprefix(start), seed=task.seed, fold=task.fold)
                for task in tasks
            ],
            status="finished" if all(t.folder in manifests for t in tasks) else "running",
            manifests={
                key.removeprefix(start): each
                for key, each in manifests.items()
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
        """Return the outcome of each run so far, by its folder; for a shard, of its own runs."""
        return [self.outcome_of(task) for task in self.tasks]

    def series(self) -> tuple[RunSeries, ...]:
        """Return the runs of each spec so far, best first by the group's metric.

        Raises:
            SpecError: a spec is no longer valid.
        """
        finished = {f: o for f, o in self.journal.outcomes.items() if o.error is None}
        outcomes = [finished.get(task.folder) or self.outcome_of(task) for task in self.tasks]
        return tuple(self.ranked(series_of(outcomes))[0])

    @property
    def best(self) -> RunSeries | None:
        """The runs of the best spec; None if no run has finished."""
        first, *_ = self.series()
        return first if first.finished else None

    def ranked(
        self,
        series: Sequence[RunSeries],
        metric: str | None = None,
        *,
        ascending: bool | None = None,
    ) -> tuple[list[RunSeries], Metric | None]:
        """Return series best first, and the metric; see `best_first`.

        Args:
            series: the runs of each spec.
            metric: the metric to compare by; None for that of the group.
            ascending: as for `best_first`.
        """
        if metric is None:
            metric = self.file.metric
            ascending = ascending if ascending is not None else self.file.ascending
        return best_first(series, metric, self.specs(), ascending)

    def write_summary(self, content: bytes, folder: Path | None = None) -> None:
        """Write `summary.json`, of the group or in the folder of a point; raise RunError."""
        path = (folder or self.path) / SUMMARY
        with writing(path):
            write_atomically(path, content)

    def summarize(
        self,
        outcomes: Sequence[Outcome],
        metric: str | None = None,
        *,
        ascending: bool | None = None,
        jobs: int | None = None,
    ) -> tuple[list[RunSeries], Metric | None]:
        """Write the distribution of each metric, for all runs and each point; return `ranked`.

        Args:
            outcomes: those of the runs.
            metric: as for `ranked`.
            ascending: as for `ranked`.
            jobs: how many runs were trained at once; None if none was trained here now.

        Raises:
            RunError: it cannot be written.
        """
        ranked, best_by = self.ranked(series_of(outcomes), metric, ascending=ascending)
        if self.is_predictor and self.file.kind != "members":
            self.write_summary(json_document(ranked[0].summary(self.path, jobs)))
            return ranked, best_by
        values, specs = self.values, []
        for series in ranked:
            folder = self.path if self.file.kind == "plan" else self.path / series.name
            summary = series.summary(folder, jobs)
            if folder != self.path and folder.is_dir() and len(series.outcomes) > 1:
                self.write_summary(json_document(summary), folder)
            summary.pop("jobs", None)
            varied = plain(values.get(series.name, {}))
            specs.append({**summary, **({"values": varied} if varied else {})})
        content = {"metric": ".".join(best_by) if best_by else None, "jobs": jobs, "specs": specs}
        if jobs is None:
            del content["jobs"]
        self.write_summary(json_document(content))
        return ranked, best_by

    def note(self, **changes: Any) -> None:
        """Change fields of the file; raise RunError if it cannot be written."""
        self.file = self.file.model_copy(update=changes)
        self.file.write(self.path)

    def declared_plan(self) -> Plan | None:
        """Return the component that asks for the runs; None if the tasks are listed or searched."""
        if self.given_plan is not None or self.file.plan is None:
            return self.given_plan
        return Plan.from_declaration(restored(self.file.plan), {"registry": self.registry})


def groups_above(path: Path) -> Iterator[Path]:
    """Yield the folders above a run that have the file of a group, the closest first."""
    for parent in list(path.absolute().parents)[:4]:
        if (parent / GROUP).is_file():
            yield parent
