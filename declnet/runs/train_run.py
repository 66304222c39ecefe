"""Train one run from its first step, and write its folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from declnet.caching import computed_once, shares_results
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.table import Table
from declnet.data.sources.loading import GivenData, as_data, guarded
from declnet.errors import DataError
from declnet.runs.options import AnyData, RunOptions
from declnet.runs.ready_run import make_ready_run
from declnet.runs.result import RunResult
from declnet.runs.session import Session
from declnet.runs.storage.folder import claimed, require_unclaimed
from declnet.runs.storage.manifest import first_manifest
from declnet.runs.storage.record import Record
from declnet.spec.model import RunSpec, resolved_toml


def train_run(
    spec: RunSpec, data: AnyData, out: str | Path | None, options: RunOptions
) -> RunResult:
    """Train and evaluate the model of a spec once; raise as `declnet.run` does.

    Args:
        spec: the spec, without folds unless it selects one.
        data: data to use instead of the spec's.
        out: the folder to write to; None to write nothing.
        options: how to train it.
    """
    if out is not None and not options.numbered:
        require_unclaimed(Path(out))
    passed = passed_sets(data) if data is not None else None
    ready = make_ready_run(spec, options.registry, passed, options.checked, options.parameters)
    if out is None:
        return Session(ready, None, options).carry_out()
    with claimed(Path(out), spec.name, numbered=options.numbered) as directory:
        text = _resolved(spec)
        manifest = first_manifest(ready, text.encode())
        # a brief run among many writes its folder once, at its end, unless a callback reads it
        watched = spec.training.callbacks or options.stop_when is not None
        may_wait = shares_results() and not watched
        preparation = ready.prepared.preparation
        record = Record.begun(directory, text, preparation, manifest, may_wait=may_wait)
        return Session(ready, record, options).carry_out()


def passed_sets(data: GivenData | Mapping[str, GivenData]) -> dict[str, Dataset | Table]:
    """Convert data passed in by a program, to be read only; raise DataError if it is invalid."""
    named = data if isinstance(data, Mapping) else {"train": data}
    unknown = set(named) - {"train", "validation", "test"}
    if unknown or "train" not in named:
        raise DataError("data must have train and may have validation and test, nothing else")
    return {name: guarded(as_data(samples, name)) for name, samples in named.items()}


def _resolved(spec: RunSpec) -> str:
    """Return the resolved spec as TOML, which runs that share data and differ in seed share."""
    about = "toml", [section for key, section in vars(spec).items() if key != "seed"]
    text = computed_once((), about, lambda: resolved_toml(spec))
    # the key is alone on a line before all tables
    return re.sub(r"^seed = \d+$", f"seed = {spec.seed}", text, count=1, flags=re.MULTILINE)
