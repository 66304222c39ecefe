"""`sweep`: train each point of the section `[sweep]` of a spec, and resume that."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from declnet.contracts.runs.executor import Executor
from declnet.data.sharing import sharing_data
from declnet.data.sources.loading import GivenData
from declnet.data.splits import Data
from declnet.errors import Diagnostic, SpecError
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.runs.many.ensembles.series import RunSeries, series_of
from declnet.runs.many.execution.dispatch import given_for, ignore, jobs_for, outcomes_of
from declnet.runs.many.execution.tasks import Follow, Outcome
from declnet.runs.many.sweeps.ranking import check_metric
from declnet.runs.many.sweeps.stored_sweep import (
    StoredSweep,
    SweptSpec,
    begin_sweep,
    open_sweep,
    stored_outcome,
)
from declnet.runs.storage.folder import claimed, locked
from declnet.runs.storage.origins import warn
from declnet.spec.model import RunSpec, fit_name
from declnet.spec.points import Point
from declnet.spec.validate import GivenSpec, as_spec, validate_point
from declnet.training.checks.check import check_spec

OutcomeListener = Callable[[Outcome], object]
"""Called with the outcome of each run that has ended."""


def sweep(
    spec: GivenSpec,
    data: GivenData | Mapping[str, GivenData] | None = None,
    *,
    out: str | Path,
    numbered: bool = False,
    seeds: Iterable[int] | None = None,
    metric: str | None = None,
    ascending: bool | None = None,
    jobs: int | None = None,
    on: Executor | None = None,
    listener: OutcomeListener | None = None,
    registry: Registry | None = None,
) -> StoredSweep:
    """Train a spec with each combination of the values that its section `[sweep]` lists.

    A run that fails does not affect the others: its outcome says why.

    Args:
        spec: as for `run`; one without `[sweep]` is trained with each of `seeds`.
        data: data to use instead of the spec's, as for `run`.
        out: the folder of the sweep, new or empty.
        numbered: whether to write to a new folder `<name>-sweep-<number>` within `out` instead.
        seeds: the seeds of each combination; default: those of the section, or the spec's own.
        metric: the metric to compare by, e.g. `loss` or `train.loss`; default: the first metric,
            of the validation, else the test, else the training data.
        ascending: whether the lowest mean comes first; default: the best.
        jobs: how many runs to train at once on this machine; default: as many as it has cores.
        on: where to train them; default: on this machine.
        listener: called with the outcome of each run that has ended, in this thread.
        registry: where names are looked up; default: all installed plugins.

    Raises:
        SpecError: the spec is invalid, with its own or other values; nothing was written.
        DataError: the data is invalid; nothing was written.
        OutputError: the folder is not empty; nothing in it was changed.
        RunError: the folder cannot be written to, or the executor cannot be used.
        ValueError: there is no such metric, or nothing says which of its values are better.
    """
    spec = as_spec(spec, registry)
    given = given_for(data, on)
    with sharing_data():
        points = _points(spec, registry, given)
        swept = named_points(points, tuple(seeds) if seeds is not None else None)
        check_metric(metric, [each.spec for each in swept], ascending)
        with claimed(Path(out), f"{spec.name}-sweep", numbered=numbered) as parent:
            begin_sweep(parent, swept, metric, ascending=ascending)
            return _trained(parent, given, jobs, on, listener, registry)


def resume_sweep(
    path: str | Path,
    data: GivenData | Mapping[str, GivenData] | None = None,
    *,
    jobs: int | None = None,
    on: Executor | None = None,
    allow_changes: bool = False,
    listener: OutcomeListener | None = None,
    registry: Registry | None = None,
) -> StoredSweep:
    """Train what is left of a sweep; finished runs stay.

    Args:
        path: the folder that `sweep` or `declnet sweep` wrote.
        data: the data that the program originally passed, if any.
        jobs: as for `sweep`.
        on: as for `sweep`.
        allow_changes: as for `resume`.
        listener: as for `sweep`.
        registry: where names are looked up; default: all installed plugins.

    Raises:
        OutputError: the folder has no sweep, or another process is working in it.
        DeclnetError: as `sweep` does.
    """
    given, directory = given_for(data, on), open_sweep(path).path
    with sharing_data(), locked(directory):
        return _trained(directory, given, jobs, on, listener, registry, allow_changes=allow_changes)


def named_points(
    points: Iterable[tuple[Point, RunSpec]], seeds: tuple[int, ...] | None = None
) -> list[SweptSpec]:
    """Return the points of a spec's sweep as specs whose names say what varies.

    Args:
        points: each with its spec.
        seeds: the seeds of each; None for those of its sweep, or its own.
    """
    found: list[SweptSpec] = []
    names: set[str] = set()
    for point, spec in points:
        name = spec.name
        if point.label:
            name = fit_name(spec.name + point.label)
            if name.casefold() in names:  # cut
                name = fit_name(f"{len(names)}-{name}")
            names.add(name.casefold())
        own = seeds or point.seeds or (spec.seed,)
        named = spec.model_copy(update={"name": name})
        found.append(SweptSpec(named, own, point.values, spec.name))
    return found


class SweepTraining:
    """What is left to train of a sweep.

    Args:
        stored: the sweep's folder, which this process has locked.
        jobs: how many runs to train at once; None for as many as there are cores.
        executor: where to train them; None for this machine.
        data: data sets by name that replace those of the specs.
        allow_changes: as for `resume`.

    Attributes:
        tasks: all runs; of a shard, its own.
        done: the outcomes of those that have finished already, by folder.
        left: the others.
        specs: the specs of all runs, without the seeds.
        jobs: how many are trained at once; None if elsewhere.
    """

    def __init__(
        self,
        stored: StoredSweep,
        jobs: int | None = None,
        executor: Executor | None = None,
        data: Mapping[str, Data] | None = None,
        *,
        allow_changes: bool = False,
    ) -> None:
        self._stored, self._executor = stored, executor
        self.tasks = stored.tasks(allow_changes=allow_changes, data=data)
        self.done: dict[Path, Outcome] = {}
        for each in self.tasks:
            spec = each.spec
            outcome = stored_outcome(each.directory, spec.name, spec.seed, spec.data.fold)
            if outcome.error is None:
                self.done[each.directory] = outcome
        self.left = [each for each in self.tasks if each.directory not in self.done]
        self.specs = list({each.spec.name: each.spec for each in self.tasks}.values())
        self.jobs = jobs_for(self.left, jobs) if executor is None else None

    def outcomes(
        self, registry: Registry, disabled: Sequence[str] = (), follow: Follow = ignore
    ) -> Generator[Outcome, None, None]:
        """Train what is left; yield outcomes in order of completion."""
        return outcomes_of(
            self.left,
            registry,
            jobs=self.jobs or 1,
            disabled=disabled,
            follow=follow,
            executor=self._executor,
            parent=self._stored.path,
        )

    def series(self, found: Iterable[Outcome]) -> list[RunSeries]:
        """Return the runs of each spec, given the outcomes of those that were left."""
        known = {**self.done, **{each.directory: each for each in found}}
        return series_of(known[each.directory] for each in self.tasks)


def _trained(
    parent: Path,
    data: Mapping[str, Data] | None,
    jobs: int | None,
    executor: Executor | None,
    listener: OutcomeListener | None,
    registry: Registry | None,
    *,
    allow_changes: bool = False,
) -> StoredSweep:
    """Train what is left of a sweep, and summarize it."""
    stored = open_sweep(parent, registry)
    with stored.telling():
        training = SweepTraining(stored, jobs, executor, data, allow_changes=allow_changes)
        found = []
        with closing(training.outcomes(registry or default_registry())) as outcomes:
            for outcome in outcomes:
                found.append(outcome)
                if listener is not None:
                    listener(outcome)
        stored.summarize(training.series(found), training.specs, jobs=training.jobs)
        for why in stored.finish(data):
            warn(why)
    return stored


def _points(
    spec: RunSpec, registry: Registry | None, data: Mapping[str, Data] | None
) -> list[tuple[Point, RunSpec]]:
    """Return the points of a spec's sweep; raise SpecError with the errors of all."""
    if spec.sweep is None:
        return [(Point("", {}, None, spec.source_map), spec)]
    found: list[tuple[Point, RunSpec]] = []
    problems: dict[Diagnostic, None] = {}
    for point in spec.sweep.points():
        parsed = validate_point(point, registry, spec.folder)
        checked = check_spec(parsed, registry, data, suspects=False)
        if parsed.spec is None or checked.errors:
            problems |= dict.fromkeys(checked.errors)
        else:
            found.append((point, parsed.spec))
    if problems:
        raise SpecError(problems)
    return found
