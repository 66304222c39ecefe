"""The folder of a sweep: its specs and seeds, the runs that are left, the results of the others.

`sweep.json` lists the specs with the values that vary, in one file that is written first: from then
on the sweep can be resumed, whatever happens. Each spec has a folder of its own, which is that of
its seeds and folds. Whatever summarizes a sweep is made from the folders of its runs.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from declnet.contracts.runs.callback import Callback
from declnet.data.splits import Data
from declnet.errors import DeclnetError
from declnet.registry.registry import Registry
from declnet.runs.many.ensembles.ensemble import open_ensemble
from declnet.runs.many.ensembles.recording import (
    begin_ensemble,
    finish_ensemble,
    has_begun,
    tasks_left,
)
from declnet.runs.many.ensembles.series import RunSeries, series_of
from declnet.runs.many.execution.shards import Shard, begin_shard, shard_runs
from declnet.runs.many.execution.tasks import Outcome, Task, tasks_of
from declnet.runs.many.groups.callbacks import declared_callbacks, finish_group, telling_group
from declnet.runs.many.groups.documents import (
    SERIES_SUMMARY,
    SWEEP_FILE,
    SWEEP_SUMMARY,
    SweepContent,
    SweepSummary,
    SweptSpecContent,
)
from declnet.runs.many.groups.stored_group import StoredGroup, write_described
from declnet.runs.many.sweeps.ranking import best_first
from declnet.runs.storage.folder import MANIFEST, SUMMARY, SWEEP, read_json
from declnet.runs.storage.record import with_nan
from declnet.runs.storage.writing import remove_temporary
from declnet.runs.stored_run import open_run
from declnet.spec.model import RunSpec, resolved_toml
from declnet.spec.validate import parse_spec


@dataclass(frozen=True, eq=False)
class SweptSpec:
    """One of the specs that a sweep compares.

    Attributes:
        spec: the spec, whose name is unique.
        seeds: the seeds to train it with.
        values: the values of the keys that vary.
        base: the name of the spec that varies; empty for the spec's own.
    """

    spec: RunSpec
    seeds: tuple[int, ...]
    values: Mapping[str, Any] = field(default_factory=dict)
    base: str = ""


def begin_sweep(
    directory: Path,
    specs: Sequence[SweptSpec],
    metric: str | None,
    *,
    ascending: bool | None,
    shard: Shard | None = None,
) -> None:
    """Write what a sweep consists of, before its first run.

    Args:
        directory: the folder, which exists and is empty.
        specs: the specs in order.
        metric: the metric to compare them by; None for the main one.
        ascending: whether its lowest mean comes first; None for the best.
        shard: the part of the runs that the folder will have; None for all.

    Raises:
        RunError: it cannot be written.
    """
    if shard is not None:
        named = ((each, directory / each.spec.name) for each in specs)
        listed = (tasks_of(each.spec, each.seeds, own) for each, own in named)
        begin_shard(directory, shard, chain.from_iterable(listed))
    listed_specs = (  # the specs as TOML, since JSON has no infinity
        SweptSpecContent(each.spec.name, each.values, each.seeds, resolved_toml(each.spec))
        for each in specs
    )
    content = SweepContent("running", metric, ascending, tuple(listed_specs))
    write_described(directory / SWEEP, SWEEP_FILE.write(content))


def open_sweep(path: str | Path, registry: Registry | None = None) -> StoredSweep:
    """Open the folder of a sweep.

    Raises:
        OutputError: the folder has no sweep, or its list of specs cannot be read.
    """
    return StoredSweep(path, registry)


class StoredSweep(StoredGroup[SweepContent]):
    """The folder of a sweep, finished or not.

    Attributes:
        path: the folder.
        content: the content of `sweep.json`.
    """

    file, purpose = SWEEP, "describes a sweep"
    stored = SWEEP_FILE

    @property
    def values(self) -> dict[str, Mapping[str, Any]]:
        """The values of the keys that vary, by the name of the spec."""
        return {swept.name: swept.values for swept in self.content.specs}

    def specs(self) -> list[RunSpec]:
        """Return the specs in order.

        Raises:
            SpecError: one is no longer valid.
        """
        return [self._spec(swept.spec) for swept in self.content.specs]

    def _spec(self, text: str) -> RunSpec:
        return parse_spec(tomllib.loads(text), self._registry)

    @property
    def summary(self) -> SweepSummary | None:
        """The content of `summary.json`; None before there is one.

        Raises:
            OutputError: it cannot be read.
        """
        path = self.path / SUMMARY
        return read_json(path, SWEEP_SUMMARY) if path.is_file() else None

    @cached_property
    def shard(self) -> frozenset[Path] | None:
        """The runs of the shard, if the folder holds one shard; None for all.

        Raises:
            OutputError: the list cannot be read.
        """
        return shard_runs(self.path)

    def _has(self, run: Path) -> bool:
        return self.shard is None or run in self.shard

    def tasks(
        self, *, allow_changes: bool = False, data: Mapping[str, Data] | None = None
    ) -> list[Task]:
        """Return a task for each run, also finished ones; make the folders of specs without one.

        Of a shard, they are its own runs.

        Args:
            allow_changes: as for `resume`.
            data: as of the tasks.

        Raises:
            OutputError: the folder of a spec is damaged.
            SpecError: a spec is no longer valid.
            RunError: a folder cannot be made.
        """
        found = []
        for swept in self.content.specs:
            directory = self.path / swept.name
            if not has_begun(directory):
                remove_temporary(directory)
                spec = self._spec(swept.spec)
                listed = tasks_of(spec, swept.seeds, directory)
                if not any(self._has(task.directory) for task in listed):
                    continue
                begin_ensemble(directory, spec, listed)
            ensemble = open_ensemble(directory, self._registry)
            left = tasks_left(ensemble, self._registry, allow_changes=allow_changes, data=data)
            found += [task for task in left if self._has(task.directory)]
        return found

    def outcomes(self) -> list[Outcome]:
        """Return the outcome of each run so far, by its folder; for a shard, of its own runs.

        Raises:
            OutputError: the folder of a spec is damaged.
            SpecError: a spec that was not begun is no longer valid.
        """
        found = []
        for swept in self.content.specs:
            directory = self.path / swept.name
            if has_begun(directory):
                members = open_ensemble(directory).content.runs
                runs = [(directory / each.folder, each.seed, each.fold) for each in members]
            else:
                tasks = tasks_of(self._spec(swept.spec), swept.seeds, directory)
                runs = [(task.directory, task.spec.seed, task.spec.data.fold) for task in tasks]
            found += [
                stored_outcome(path, swept.name, seed, fold)
                for path, seed, fold in runs
                if self._has(path)
            ]
        return found

    def series(self) -> tuple[RunSeries, ...]:
        """Return the runs of each spec so far, best first by the sweep's metric.

        Raises:
            OutputError: the folder of a spec is damaged.
            SpecError: a spec is no longer valid.
        """
        return tuple(self.ranked(series_of(self.outcomes()), self.specs())[0])

    @property
    def best(self) -> RunSeries | None:
        """The runs of the best spec; None if no run has finished."""
        first, *_ = self.series()
        return first if first.finished else None

    def ranked(
        self,
        series: Sequence[RunSeries],
        specs: Sequence[RunSpec],
        metric: str | None = None,
        *,
        ascending: bool | None = None,
    ) -> tuple[list[RunSeries], tuple[str, str] | None]:
        """Return series best first, and the metric; see `best_first`.

        Args:
            series: the runs of each spec.
            specs: the specs.
            metric: the metric to compare by; None for that of the sweep.
            ascending: as for `best_first`.
        """
        if metric is None:
            metric = self.content.metric
            ascending = self.content.ascending if ascending is None else ascending
        return best_first(series, metric, specs, ascending)

    def summarize(
        self,
        series: Sequence[RunSeries],
        specs: Sequence[RunSpec],
        metric: str | None = None,
        *,
        ascending: bool | None = None,
        jobs: int | None = None,
    ) -> tuple[list[RunSeries], tuple[str, str] | None]:
        """Write a summary for each spec, and one for all; return what `ranked` does.

        Args:
            series: the runs of each spec.
            specs: the specs.
            metric: as for `ranked`.
            ascending: as for `ranked`.
            jobs: how many runs were trained at once; None if none was trained here now.

        Raises:
            RunError: it cannot be written.
        """
        found, best_by = self.ranked(series, specs, metric, ascending=ascending)
        summaries = []
        for each in found:
            directory = self.path / each.name
            summary = each.summary(directory, jobs)
            if directory.is_dir():  # not if it is in other shards
                write_described(directory / SUMMARY, SERIES_SUMMARY.write(summary))
            values = self.values.get(each.name, {})
            summaries.append(replace(summary, jobs=None, values=values))
        name = ".".join(best_by) if best_by else None
        content = SweepSummary(metric=name, jobs=jobs, specs=tuple(summaries))
        write_described(self.path / SUMMARY, SWEEP_SUMMARY.write(content))
        return found, best_by

    def telling(self) -> AbstractContextManager[None]:
        """Tell callbacks of an exception that ends the sweep early."""
        return telling_group(self.path, self._callbacks, self._registry)

    def _callbacks(self) -> Iterator[Callback]:
        return declared_callbacks((swept.spec for swept in self.content.specs), self._registry)

    def finish(self, data: Mapping[str, Data] | None = None) -> list[str]:
        """Make the folder of each spec a predictor, and record whether all runs have finished.

        A spec with runs in other shards is left as begun.

        Args:
            data: the data that a program passed to the runs; default: that of the specs.

        Returns:
            Why specs with folds have no predictions out of fold, if any has none.

        Raises:
            RunError: a folder cannot be written to.
            ComponentError: a callback that was told raised an exception.
        """
        reasons = []
        for swept in self.content.specs:
            directory = self.path / swept.name
            if not has_begun(directory):
                continue
            ensemble = open_ensemble(directory)
            runs = (directory / member.folder for member in ensemble.content.runs)
            if ensemble.status != "finished" and all(map(self._has, runs)):
                why = finish_ensemble(directory, self._registry, data)
                reasons += [why] if why is not None else []
        if self.shard is None:
            done = all(each.error is None for each in self.outcomes())
            self.note(status="finished" if done else "failed")
            finish_group(self.path, self._callbacks(), self._registry)
        return reasons


def stored_outcome(path: Path, name: str, seed: int, fold: int | None) -> Outcome:
    """Return the outcome that the folder of a run records; an error if it has not finished."""
    error = "it has not begun"
    if (path / MANIFEST).is_file():
        try:
            run = open_run(path)
            if run.status == "finished":
                metrics = {data: with_nan(values) for data, values in run.metrics.items()}
                return Outcome(name, seed, path, metrics, run.manifest.seconds, None, fold)
            error = run.manifest.error or f"it has not finished ({run.status})"
        except DeclnetError as problem:
            error = str(problem)
    return Outcome(name, seed, path, error=error, fold=fold)
