"""`run`: train and evaluate the model of a spec, and record the run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from declnet.contracts.arrays import Array
from declnet.contracts.data.data_source import Dataset
from declnet.contracts.data.table import Table
from declnet.data.sharing import made_once, shared_data
from declnet.data.sources.loading import GivenData, as_data, guarded
from declnet.errors import DataError, Diagnostic, SpecError
from declnet.registry.registry import Registry
from declnet.runs.display.progress import followed
from declnet.runs.ready_run import make_ready_run
from declnet.runs.result import RunResult
from declnet.runs.session import Listener, Session, StopWhen
from declnet.runs.storage.checkpoints import Notice
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
    numbered: bool = False,
    listener: Listener | None = None,
    notice: Notice | None = None,
    registry: Registry | None = None,
    checked: Checked | None = None,
    parameters: Mapping[str, Array] | None = None,
    progress: bool = False,
    stop_when: StopWhen | None = None,
) -> RunResult:
    """Train and evaluate the model of a spec.

    Args:
        spec: the spec of the run; or its file's path or its tables, as for `load_spec` and
            `parse_spec`.
        data: data to use instead of the spec's: the training data, or a mapping with `"train"`
            and, optionally, `"validation"` and `"test"`. Each is `(x, y)`, a `Dataset`, a `Table`,
            or a table with its target, `(frame, "column")` or `(frame, y)`, where the table is a
            data frame from pandas, polars or similar, or a mapping of columns.
        out: the folder to write the run to, new or empty; None writes nothing.
        numbered: whether to write to a new folder `<name>-<number>` within `out` instead.
        listener: called with each event of the training.
        notice: called with each warning of a callback when it occurs; the result has them all.
        registry: where names are looked up; default: all installed plugins.
        checked: the result of checking this same spec, to avoid reading tables twice.
        parameters: the model's parameters to start from, as `Model.parameters` returns them,
            instead of initialized ones; the run's folder does not say so.
        progress: whether to show the progress: in a notebook a bar with metrics and curve,
            elsewhere a line for each logged epoch.
        stop_when: called after each logged epoch; a reason ends the training, as a callback's
            `Run.stop` does.

    Raises:
        SpecError: the spec is invalid, or has folds and selects none (use `cross_validate`);
            nothing was written.
        DataError: the data is invalid; nothing was written.
        WeightsError: the parameters do not fit the model; nothing was written.
        OutputError: the folder is not empty; nothing in it was changed.
        RunError: the run could not be finished; the folder records this and keeps the logged
            epochs. If a component raised, the error names it and its distribution
            (`ComponentError`).
    """
    spec = as_spec(spec, registry)
    require_no_sweep(spec.sweep)
    _require_one_fold(spec)
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
        # of many runs that share data, brief ones write once, unless somebody may look before
        watched = spec.training.callbacks or stop_when is not None
        may_wait = shared_data() is not None and not watched
        preparation = ready.prepared.preparation
        record = Record.begun(directory, text, preparation, manifest, may_wait=may_wait)
        with followed(spec, listener, progress=progress) as following:
            session = Session(ready, record, following, notice=notice, stop_when=stop_when)
            return session.carry_out()


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
    text = made_once((), about, lambda: resolved_toml(spec))
    # a line in front of all tables; no string has line breaks in it
    return re.sub(r"^seed = \d+$", f"seed = {spec.seed}", text, count=1, flags=re.MULTILINE)


def _require_one_fold(spec: RunSpec) -> None:
    if spec.data.is_cross_validation:
        message = f'"fold" is missing: which of the {spec.data.folds} folds?'
        hint = "add e.g. fold = 1, or train them all by declnet.cross_validate"
        problem = Diagnostic(message, hint, ("data", "fold"), "E011")
        raise SpecError(spec.source_map.locate(spec.source_map.as_written([problem])))
