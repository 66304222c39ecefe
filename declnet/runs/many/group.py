"""`open_group`: the folder of runs that belong together: folds, seeds, a sweep or a study.

`group.json` has the specs and the plan, and is written first: from then on the group can be
resumed, whatever happens. `journal.jsonl` has what was trained, `summary.json` its results. Runs
that differ in seed and fold only are a group of their own, in a folder that need not have the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from declnet.contracts.runs.plan import Outcome
from declnet.display.tables import ResultTable
from declnet.errors import OutputError
from declnet.registry.registry import Registry
from declnet.runs.display.results import group_view
from declnet.runs.inference.evaluation import Evaluation
from declnet.runs.many.ensemble import Ensemble
from declnet.runs.many.group_file import GroupFile, Metric
from declnet.runs.many.journal import plain
from declnet.runs.many.ranking import best_first
from declnet.runs.many.series import RunSeries, series_of
from declnet.runs.many.study import Study
from declnet.runs.notices import Notice
from declnet.runs.storage.folder import (
    GROUP,
    MANIFEST,
    reading,
    unpacked,
)
from declnet.runs.storage.writing import json_document
from declnet.spec.shown_values import is_missing


def is_group(path: str | Path) -> bool:
    """Return whether a folder or a pack holds a group, or a point of one."""
    return _file_at(unpacked(path)) is not None


def is_predictor(path: str | Path) -> bool:
    """Return whether a folder or a pack holds a group whose models are used as one.

    Such are folds, seeds, members, and a study that selects weights of its trials.
    """
    file = _file_at(unpacked(path))
    return file is not None and file.is_predictor


def open_group(
    path: str | Path,
    registry: Registry | None = None,
    *,
    notice: Notice | None = None,
    allow_changes: bool = False,
) -> Group:
    """Open the folder of folds, seeds, a sweep or a study, finished or not.

    Args:
        path: the folder that `run`, `sweep` or `tune` wrote, or that of a point of a sweep; or the
            file that `pack_run` wrote.
        registry: where names are looked up; default: all installed plugins.
        notice: as for `open_run`.
        allow_changes: as for `open_run`.

    Raises:
        OutputError: the folder is not a group's, or its file cannot be read.
    """
    path = unpacked(path)
    with reading(path):
        file = _file_at(path, registry)
        if file is not None:
            return Group(path, file, registry, notice, allow_changes=allow_changes)
        what = "there is no such folder, so no" if is_missing(path) else "has no"
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
    """A folder of runs that belong together, finished or not, and the results of all of them."""

    def _repr_html_(self) -> str:
        return group_view(self)

    @property
    def is_predictor(self) -> bool:
        """Whether the models of its runs are used as one."""
        return self.file.is_predictor

    @cached_property
    def evaluations(self) -> tuple[Evaluation, ...]:
        """The models together, on each of `evaluated_on` that all runs have; none before the end.

        Raises:
            DeclnetError: as `evaluate` does.
        """
        selects = self.file.has_members and self.file.weights is None
        if self.status != "finished" or not self.is_predictor or selects:
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


def groups_above(path: Path) -> Iterator[Path]:
    """Yield the folders above a run that have the file of a group, the closest first."""
    for parent in list(path.absolute().parents)[:4]:
        if (parent / GROUP).is_file():
            yield parent
