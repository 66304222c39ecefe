"""`run`: train and evaluate the model of a spec, once or for each fold and seed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from declnet.caching import computed_once, shares_results
from declnet.contracts.arrays import Array
from declnet.contracts.data.data_source import Dataset
from declnet.contracts.data.table import Table
from declnet.contracts.runs.executor import Executor
from declnet.data.sources.loading import GivenData, as_data, guarded
from declnet.errors import DataError, RunError
from declnet.registry.registry import Registry
from declnet.runs.display.progress import followed
from declnet.runs.notices import Notice
from declnet.runs.ready_run import make_ready_run
from declnet.runs.result import RunResult
from declnet.runs.session import Listener, Session, StopWhen
from declnet.runs.storage.folder import claimed, require_unclaimed
from declnet.runs.storage.manifest import first_manifest
from declnet.runs.storage.record import Record
from declnet.spec.model import RunSpec, resolved_toml
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
        folds: the number of folds, each the validation data once; default: the spec's `data.folds`.
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
    if folds is not None or seeds is not None or spec.is_group:
        from declnet.runs.many.running import run_group

        _require_one_run("folds or seeds", checked, parameters, stop_when)
        return run_group(
            spec,
            data,
            out,
            folds=folds,
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
    return train_run(
        spec,
        data,
        out,
        numbered=numbered,
        listener=listener,
        notice=notice,
        registry=registry,
        checked=checked,
        parameters=parameters,
        progress=progress,
        stop_when=stop_when,
    )


def train_run(
    spec: RunSpec,
    data: GivenData | Mapping[str, GivenData] | None = None,
    out: str | Path | None = None,
    *,
    numbered: bool = False,
    listener: Listener | None = None,
    notice: Notice | None = None,
    registry: Registry | None = None,
    checked: Checked | None = None,
    parameters: Mapping[str, Array] | None = None,
    progress: bool = False,
    stop_when: StopWhen | None = None,
) -> RunResult:
    """Train and evaluate one run, with the arguments of `run`; raise as `run` does."""
    if out is not None and not numbered:
        require_unclaimed(Path(out))
    given = given_data(data) if data is not None else None
    ready = make_ready_run(spec, registry, given, checked, parameters)
    if out is None:
        with followed(spec, listener, progress=progress) as following:
            return Session(ready, None, following, notice=notice, stop_when=stop_when).carry_out()
    with claimed(Path(out), spec.name, numbered=numbered) as directory:
        text = _resolved(spec)
        manifest = first_manifest(ready, text.encode())
        # of many runs that share data, brief ones write once, unless a callback reads the folder
        watched = spec.training.callbacks or stop_when is not None
        may_wait = shares_results() and not watched
        preparation = ready.prepared.preparation
        record = Record.begun(directory, text, preparation, manifest, may_wait=may_wait)
        with followed(spec, listener, progress=progress) as following:
            session = Session(ready, record, following, notice=notice, stop_when=stop_when)
            return session.carry_out()


def _require_one_run(what: str, *options: object) -> None:
    if any(option is not None for option in options):
        raise RunError(f"`checked`, `parameters` and `stop_when` are for one run, not for {what}")


def given_data(data: GivenData | Mapping[str, GivenData]) -> dict[str, Dataset | Table]:
    """Convert data passed in by a program, to be read only; raise DataError if it is invalid."""
    named = data if isinstance(data, Mapping) else {"train": data}
    unknown = set(named) - {"train", "validation", "test"}
    if unknown or "train" not in named:
        raise DataError("data must have train and may have validation and test, nothing else")
    return {name: guarded(as_data(each, name)) for name, each in named.items()}


def _resolved(spec: RunSpec) -> str:
    """Return the resolved spec as TOML, which runs that share data and differ in seed share."""
    about = "toml", [each for key, each in vars(spec).items() if key != "seed"]
    text = computed_once((), about, lambda: resolved_toml(spec))
    # a line in front of all tables; no string has line breaks in it
    return re.sub(r"^seed = \d+$", f"seed = {spec.seed}", text, count=1, flags=re.MULTILINE)
