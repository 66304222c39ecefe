"""`run` with folds or seeds, `sweep`, `tune` and `resume`: begin a group, train it, return it."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

from declnet.caching import sharing_results
from declnet.contracts.returned import why_unavailable
from declnet.contracts.runs.executor import Executor
from declnet.contracts.runs.plan import Outcome, Plan, Task
from declnet.data.splits import Data
from declnet.errors import DataError, Diagnostic, RunError, SpecError
from declnet.registry.registry import Registry
from declnet.runs.many.beginning import (
    begun_group,
    named_points,
    plan_file,
    series_file,
    study_file,
    sweep_file,
)
from declnet.runs.many.group import Group, open_group
from declnet.runs.many.group_file import KnownSpecs
from declnet.runs.many.plans import TrialListener
from declnet.runs.many.ranking import check_metric
from declnet.runs.many.series import RunSeries, Spread
from declnet.runs.many.training import OutcomeListener, Training, ignore
from declnet.runs.notices import warn
from declnet.runs.options import AnyData, Listener
from declnet.runs.result import RunResult
from declnet.runs.storage.folder import locked
from declnet.runs.stored_run import open_run
from declnet.runs.train_run import passed_sets
from declnet.spec.members import require_no_members
from declnet.spec.model import RunSpec, resolved_document
from declnet.spec.requirements import registry_for
from declnet.spec.validate import GivenSpec, as_spec, parse_spec, validate_point
from declnet.spec.varying_keys import TUNE, Point
from declnet.training.checks.check import Checked, check_spec
from declnet.training.checks.tuning import study_problems


def run_group(
    spec: RunSpec,
    data: AnyData,
    out: str | Path | None,
    *,
    seeds: Iterable[int] | None = None,
    jobs: int | None = None,
    on: Executor | None = None,
    shard: str | None = None,
    numbered: bool = False,
    listener: Listener | None = None,
    registry: Registry | None = None,
) -> GroupResult:
    """Train a spec for each fold and seed, with the arguments and errors of `declnet.run`."""
    if shard is not None and out is None:
        raise RunError("a shard needs a folder to be copied from: pass `out`")
    passed = _passed_sets(data, on)
    folder = Path(tempfile.mkdtemp(prefix="declnet-")) if out is None else Path(out)
    with ExitStack() as stack, sharing_results():
        if out is None:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            numbered = False
        check_spec_of(spec, registry, passed)
        file, specs = series_file(spec, None if seeds is None else tuple(seeds))
        with begun_group(
            folder, file, registry, specs=specs, numbered=numbered, shard=shard
        ) as group:
            training = Training(group, data=passed, listener=listener)
            result = _result(_trained(training, on, jobs), training.outcomes())
        if out is None:
            weakref.finalize(result, stack.pop_all().close)
    return result


def check_spec_of(
    spec: RunSpec, registry: Registry | None, data: Mapping[str, Data] | None
) -> Checked:
    """Check a spec; raise SpecError if it cannot be trained, before anything is written."""
    checked = check_spec(spec, registry, data, suspects=False)
    checked.require_right()
    return checked


def sweep(
    spec: GivenSpec,
    data: AnyData = None,
    out: str | Path = "runs",
    *,
    folds: int | None = None,
    seeds: Iterable[int] | None = None,
    jobs: int | None = None,
    on: Executor | None = None,
    shard: str | None = None,
    plan: Plan | None = None,
    metric: str | None = None,
    ascending: bool | None = None,
    numbered: bool = False,
    listener: OutcomeListener | None = None,
    registry: Registry | None = None,
) -> Group:
    """Train a spec with each combination of the values that its section `[sweep]` lists.

    A run that fails does not affect the others: its outcome says why.

    Args:
        spec: as for `run`; one without `[sweep]` is trained with each of `seeds`.
        data: data to use instead of the spec's, as for `run`.
        out: the folder of the sweep, new or empty.
        folds: as for `run`.
        seeds: the seeds of each combination; default: those of the section, or the spec's own.
        jobs: how many runs to train at once on this machine; default: as many as it has cores.
        on: where to train them; default: on this machine.
        shard: the part of the runs to train, e.g. `3/64`.
        plan: asks for the runs, in place of the section `[sweep]`.
        metric: the metric to compare by, e.g. `loss` or `train.loss`; default: the first metric,
            of the validation, else the test, else the training data.
        ascending: whether the lowest mean comes first; default: the best.
        numbered: whether to write to a new folder `<name>-sweep-<number>` within `out` instead.
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
    require_no_members(spec)
    passed = _passed_sets(data, on)
    spec = spec if folds is None else with_folds(spec, folds, registry)
    specs = KnownSpecs()
    with sharing_results():
        if plan is not None:
            check_spec_of(spec, registry, passed)
            file = plan_file(spec, plan)
        else:
            points = _points(spec, registry, passed)
            swept = named_points(points, tuple(seeds) if seeds is not None else None)
            check_metric(metric, [point.spec for point in swept], ascending)
            file, specs = sweep_file(swept, metric, ascending)
        with begun_group(out, file, registry, specs=specs, numbered=numbered, shard=shard) as group:
            group.given_plan = plan
            training = Training(group, data=passed, ended=listener or ignore)
            return _trained(training, on, jobs)


def tune(
    spec: GivenSpec,
    data: AnyData = None,
    out: str | Path = "runs",
    *,
    folds: int | None = None,
    seeds: Iterable[int] | None = None,
    jobs: int = 1,
    on: Executor | None = None,
    numbered: bool = False,
    listener: TrialListener | None = None,
    registry: Registry | None = None,
) -> Group:
    """Search for the best values of the keys that the section `[tune]` of a spec varies.

    A trial that fails does not affect the others. With `jobs=1`, the same spec and seed give the
    same trials. A trial with the values of an earlier one has its outcome, and is not trained.
    If the section selects weights, the returned group is a predictor.

    Args:
        spec: as for `run`, with `[tune]`.
        data: data to use instead of the spec's, as for `run`.
        out: the folder of the study, new or empty.
        folds: as for `run`.
        seeds: the seeds of each trial; default: those of the section, or the spec's own.
        jobs: how many trials to train at once on this machine.
        on: where to train them; default: on this machine.
        numbered: whether to write to a new folder `<name>-study-<number>` within `out` instead.
        listener: called with each trial that has ended and its error, in this thread.
        registry: where names are looked up; default: all installed plugins.

    Raises:
        SpecError: the spec is invalid, with its own or other values, or has no `[tune]`; nothing
            was written.
        DataError: the data is invalid; nothing was written.
        OutputError: the folder is not empty; nothing in it was changed.
        RunError: the folder cannot be written to, or the searcher or the executor fails.
    """
    spec = as_spec(spec, registry)
    passed = _passed_sets(data, on)
    require_tuning(spec)
    changes: dict[str, Any] = {} if folds is None else {"data.folds": folds, "data.fold": None}
    changes |= {} if seeds is None else {"tune.seeds": list(seeds)}
    if changes:
        document = study_file(spec).specs[0].document
        spec = parse_spec(document, registry, folder=spec.folder, overrides=changes)
    with sharing_results():
        problems = list(study_problems(spec, registry_for(spec.plugins, registry), passed))
        if any(problem.severity == "error" for problem in problems):
            raise SpecError(spec.source_map.locate(problems))
        with begun_group(out, study_file(spec), registry, numbered=numbered) as group:
            training = Training(group, data=passed, trial_ended=listener or ignore)
            return _trained(training, on, jobs)


def resume_group(
    path: str | Path,
    data: AnyData,
    *,
    jobs: int | None = None,
    on: Executor | None = None,
    minutes: float | None = None,
    allow_changes: bool = False,
    listener: Listener | None = None,
    registry: Registry | None = None,
) -> RunResult | Group:
    """Train what is left of a group, with the arguments and errors of `declnet.resume`."""
    passed = _passed_sets(data, on)
    with sharing_results(), locked(Path(path)):
        group = open_group(path, registry)
        if minutes is not None:
            group.note(minutes=minutes)
        training = Training(group, data=passed, allow_changes=allow_changes, listener=listener)
        _trained(training, on, jobs or (1 if group.file.kind == "study" else None))
    is_series = group.is_predictor and group.file.kind != "study"
    return _result(group, training.outcomes()) if is_series else group


def require_tuning(spec: RunSpec) -> None:
    """Require that a spec has a section `[tune]` that can be used.

    Raises:
        SpecError: it has no section `[tune]`, or members, or its searcher cannot be used here.
    """
    require_no_members(spec)
    if spec.tuning is None:
        message = f'the spec "{spec.name}" has no section "{TUNE}"'
        hint = f"add [{TUNE}] with trials and a space"
        raise SpecError(spec.source_map.locate([Diagnostic(message, hint, (TUNE,), "E011")]))
    missing = why_unavailable(spec.tuning.searcher)
    if missing is not None:
        at = (TUNE, "search") if "search" in spec.tuning.section else (TUNE,)
        raise SpecError(spec.source_map.locate([Diagnostic(missing, None, at, "E060")]))


def _passed_sets(data: AnyData, executor: Executor | None) -> dict[str, Data] | None:
    """Return the data that a program passes to many runs.

    Raises:
        DataError: it is invalid.
        RunError: the executor cannot be used here, or cannot pass data on.
    """
    why = why_unavailable(executor) if executor is not None else None
    if why is not None:
        raise RunError(why)
    if data is not None and executor is not None:
        raise RunError("an executor cannot pass data on: write it to a file that the spec names")
    return passed_sets(data) if data is not None else None


def with_folds(spec: RunSpec, folds: int, registry: Registry | None) -> RunSpec:
    """Return a spec with another number of folds."""
    document = resolved_document(spec)
    members = [_divided(member, folds) for member in document.get("members", ())]
    changes = {"members": members} if members else _divided(document, folds)
    return parse_spec({**document, **changes}, registry, folder=spec.folder)


def _divided(document: Mapping[str, Any], folds: int) -> dict[str, Any]:
    """Return a spec, or a member of one, with a number of folds."""
    data = {key: value for key, value in document.get("data", {}).items() if key != "fold"}
    return {**document, "data": data | {"folds": folds}}


def _trained(training: Training, executor: Executor | None, jobs: int | None) -> Group:
    try:
        training.train(executor, jobs)
    finally:
        training.close()
    for why in training.warnings:
        warn(why)
    return training.group


def _result(group: Group, outcomes: Sequence[Outcome]) -> GroupResult:
    """Return the result of folds or seeds; raise RunError if one failed."""
    left = len(group.tasks) - len(outcomes)
    if left:  # its time limit has passed
        raise RunError(f"{group.path}: {left} of {len(group.tasks)} runs are left; resume it")
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if failed:
        first = failed[0]
        count = f"{len(failed)} of {len(outcomes)} runs failed"
        raise RunError(f"{group.path}: {count}; {first.label}: {first.error}")
    return GroupResult(group, RunSeries(group.name, tuple(outcomes)))


def _points(
    spec: RunSpec, registry: Registry | None, data: Mapping[str, Data] | None
) -> list[tuple[Point, RunSpec, Checked]]:
    """Return the points of a spec's sweep; raise SpecError with the errors of all."""
    if spec.sweep is None:
        checked = check_spec_of(spec, registry, data)
        return [(Point("", {}, None, spec.source_map), spec, checked)]
    points: list[tuple[Point, RunSpec, Checked]] = []
    problems: dict[Diagnostic, None] = {}
    for point in spec.sweep.points():
        parsed = validate_point(point, registry, spec.folder)
        checked = check_spec(parsed, registry, data, suspects=False)
        if parsed.spec is None or checked.errors:
            problems |= dict.fromkeys(checked.errors)
        else:
            points.append((point, parsed.spec, checked))
    if problems:
        raise SpecError(problems)
    return points


class GroupResult(RunResult):
    """The result of several runs of one spec: folds or seeds, used as one model.

    What belongs to a single run, e.g. its history, is found in its `members`.

    Attributes:
        group: their folder.
    """

    def __init__(self, group: Group, series: RunSeries) -> None:
        self.__dict__.update(
            group=group,
            directory=group.path,
            series=series,
            seconds=group.file.seconds,
            registry=group.registry,
            spec=group.spec_of(Task("")),
        )

    group: Group
    series: RunSeries

    @cached_property
    def members(self) -> tuple[RunResult, ...]:
        """The result of each run, in order."""
        folders = (self.group.path / task.folder for task in self.group.tasks)
        return tuple(RunResult.stored(open_run(folder, self.registry)) for folder in folders)

    @cached_property
    def spreads(self) -> dict[str, dict[str, Spread]]:
        """The distribution of each metric over the runs, by data set and name."""
        return self.series.spreads()

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """The mean of each metric over the runs, by data set and name."""
        return {
            data: {name: spread.mean for name, spread in spreads.items()}
            for data, spreads in self.spreads.items()
        }

    @cached_property
    def predictor(self) -> Any:
        """The models of all runs as one, which averages their predictions."""
        return self.group.predictor()

    @property
    def _opened(self) -> Group:
        return self.group

    def __getattr__(self, name: str) -> Any:
        """Raise DataError for an attribute of a single run's result."""
        if name.startswith("_"):
            raise AttributeError(name)
        count = len(self.group.tasks)
        raise DataError(
            f"the result is of {count} runs, not of one", hint="use one of its `members`"
        )

    def _repr_html_(self) -> str:
        return self.group._repr_html_()
