"""`run` and `resume`: train the model of a spec, once or for each fold and seed, and go on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from declnet.contracts.arrays import Array
from declnet.contracts.runs.executor import Executor
from declnet.data.sources.loading import GivenData
from declnet.errors import RunError
from declnet.registry.registry import Registry
from declnet.runs.display.progress import followed
from declnet.runs.many.group import Group
from declnet.runs.many.running import resume_group, run_group, with_folds
from declnet.runs.notices import Notice
from declnet.runs.options import Listener, RunOptions, StopWhen
from declnet.runs.result import RunResult
from declnet.runs.resuming import resume_run
from declnet.runs.storage.folder import GROUP, MANIFEST
from declnet.runs.train_run import train_run
from declnet.spec.sweep import require_no_sweep
from declnet.spec.validate import GivenSpec, as_spec
from declnet.training.checks.check import Checked


def run(
    spec: GivenSpec,
    data: GivenData | Mapping[str, GivenData] | None = None,
    out: str | Path | None = None,
    *,
    folds: int | None = None,
    seeds: Iterable[int] | None = None,
    jobs: int | None = None,
    on: Executor | None = None,
    shard: str | None = None,
    numbered: bool = False,
    listener: Listener | None = None,
    notice: Notice | None = None,
    registry: Registry | None = None,
    checked: Checked | None = None,
    parameters: Mapping[str, Array] | None = None,
    progress: bool = False,
    stop_when: StopWhen | None = None,
) -> RunResult:
    """Train and evaluate the model of a spec; with folds or seeds, once for each.

    Args:
        spec: the spec of the run; or its file's path or its tables, as for `load_spec` and
            `parse_spec`.
        data: data to use instead of the spec's: the training data, or a mapping with `"train"`
            and, optionally, `"validation"` and `"test"`. Each is `(x, y)`, a `Dataset`, a `Table`,
            or a table with its target, `(frame, "column")` or `(frame, y)`, where the table is a
            data frame from pandas, polars or similar, or a mapping of columns.
        out: the folder to write to, new or empty; None writes nothing that stays.
        folds: the number of folds, each the validation data once; 1: a single run without any;
            default: the spec's `data.folds`.
        seeds: the seeds to train with, in place of the spec's.
        jobs: how many runs to train at once on this machine; default: as many as it has cores.
        on: where to train several runs; default: on this machine.
        shard: the part of the runs to train, e.g. `3/64`; needs `out`.
        numbered: whether to write to a new folder `<name>-<number>` within `out` instead.
        listener: called with each event of the training of one run; of several, in this process
            only.
        notice: called with each warning of a callback when it occurs; the result has them all.
        registry: where names are looked up; default: all installed plugins.
        checked: the result of checking this same spec, to avoid reading tables twice.
        parameters: the model's parameters to start from, as `Model.parameters` returns them,
            instead of initialized ones; the run's folder does not say so.
        progress: whether to show the progress of one run: in a notebook a bar with metrics and
            curve, elsewhere a line for each logged epoch.
        stop_when: called after each logged epoch of one run; a reason ends the training, as a
            callback's `Run.stop` does.

    Raises:
        SpecError: the spec is invalid; nothing was written.
        DataError: the data is invalid; nothing was written.
        WeightsError: the parameters do not fit the model; nothing was written.
        OutputError: the folder is not empty; nothing in it was changed.
        RunError: a run could not be finished; its folder records this and keeps the logged
            epochs. If a component raised, the error names it and its distribution
            (`ComponentError`).
    """
    spec = as_spec(spec, registry)
    require_no_sweep(spec.sweep)
    if folds is not None:
        spec = with_folds(spec, folds, registry)
    if seeds is not None or spec.is_group:
        if checked is not None or parameters is not None or stop_when is not None:
            names = "`checked`, `parameters` and `stop_when`"
            raise RunError(f"{names} are for one run, not for folds or seeds")
        return run_group(
            spec,
            data,
            out,
            seeds=seeds,
            jobs=jobs,
            on=on,
            shard=shard,
            numbered=numbered,
            listener=listener,
            registry=registry,
        )
    for name, value in {"jobs": jobs if jobs != 1 else None, "on": on, "shard": shard}.items():
        if value is not None:
            raise RunError(f"`{name}` needs several runs: folds, seeds or members")
    options = RunOptions(
        follow=partial(followed, listener=listener, progress=progress),
        notice=notice,
        stop_when=stop_when,
        registry=registry,
        numbered=numbered,
        checked=checked,
        parameters=parameters,
    )
    return train_run(spec, data, out, options)


def resume(
    path: str | Path,
    data: GivenData | Mapping[str, GivenData] | None = None,
    *,
    jobs: int | None = None,
    on: Executor | None = None,
    minutes: float | None = None,
    allow_changes: bool = False,
    listener: Listener | None = None,
    notice: Notice | None = None,
    warned: Notice | None = None,
    registry: Registry | None = None,
    progress: bool = False,
    stop_when: StopWhen | None = None,
) -> RunResult | Group:
    """Resume a run from its last intact checkpoint, or train what is left of a group of runs.

    The final weights, history and metrics are bit-identical to those without an interruption. What
    has finished is not trained again.

    Args:
        path: the folder of a run, of folds or seeds, of a sweep or of a study.
        data: the data that the program originally passed, if any; as for `declnet.run`.
        jobs: as for `declnet.run`, `declnet.sweep` and `declnet.tune`.
        on: as for `declnet.run`.
        minutes: the new time after which a group ends; default: that of a study's spec.
        allow_changes: whether to resume even if the spec, the data, what components compute, or the
            versions of declnet or NumPy have changed since a run began. Its manifest lists the
            changes.
        listener: called with each event of the training of one run.
        notice: called with a sentence saying where one run resumes, and one for each damaged
            checkpoint; for a finished run, as for `load_model`.
        warned: called with each warning of a callback when it occurs, as `notice` of `declnet.run`.
        registry: where names are looked up; default: all installed plugins.
        progress: whether to show the progress of one run, as for `declnet.run`.
        stop_when: as for `declnet.run`.

    Returns:
        The result, as of `declnet.run`; for a sweep or a study its folder.

    Raises:
        OutputError: it is not a folder of runs, or another process is working in it.
        OriginError: a component would come from a different distribution than when the run began.
        ResumeError: something has changed, or the checkpoint does not fit the changes.
        ChangedBehaviorError: with another version of a plugin, a component computes something else
            than when the run began.
        SpecError: the spec is no longer valid.
        DataError: the data is no longer available or is invalid.
        RunError: a run could not be finished.
    """
    if not (Path(path) / MANIFEST).exists() and (Path(path) / GROUP).is_file():
        return resume_group(
            path,
            data,
            jobs=jobs,
            on=on,
            minutes=minutes,
            allow_changes=allow_changes,
            listener=listener,
            registry=registry,
        )
    options = RunOptions(
        follow=partial(followed, listener=listener, progress=progress),
        notice=warned,
        stop_when=stop_when,
        registry=registry,
        allow_changes=allow_changes,
    )
    return resume_run(path, data, options, notice)
