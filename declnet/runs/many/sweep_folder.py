"""The folder of a sweep: its specs and seeds, the runs that are left, the results of the others.

`sweep.json` lists the specs with the values that vary, in one file that is written first: from then
on the sweep can be resumed, whatever happens. Each spec has a folder of its own, which is that of
its seeds and folds. Whatever summarizes a sweep is made from the folders of its runs.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from declnet.errors import DeclnetError, RunError
from declnet.registry.registry import Registry
from declnet.runs.many.ensemble import open_ensemble
from declnet.runs.many.ensemble_record import begin_ensemble, finish_ensemble, tasks_left
from declnet.runs.many.groups import SWEEP_FILE, declared_callbacks, finish_group
from declnet.runs.many.shards import Shard, begin_shard, shard_runs
from declnet.runs.many.tasks import Outcome, Task, tasks_of
from declnet.runs.storage import folder
from declnet.runs.storage.folder import read_object, reading
from declnet.runs.storage.record import with_nan
from declnet.runs.storage.writing import remove_temporary, write_json
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
    """

    spec: RunSpec
    seeds: tuple[int, ...]
    values: Mapping[str, Any] = field(default_factory=dict)


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
    content = {
        "status": "running",
        "metric": metric,
        "ascending": ascending,
        "specs": [
            {
                "name": each.spec.name,
                "values": json.loads(json.dumps(dict(each.values), default=str)),
                "seeds": list(each.seeds),
                "spec": resolved_toml(each.spec),  # JSON has no infinity
            }
            for each in specs
        ],
    }
    _write(directory, content)


def is_sweep(path: str | Path) -> bool:
    """Return whether a folder belongs to a sweep which can be resumed."""
    return Path(path, SWEEP_FILE).is_file()


def open_sweep(path: str | Path, registry: Registry | None = None) -> StoredSweep:
    """Open the folder of a sweep.

    Raises:
        OutputError: it is no such folder, or its list of specs cannot be read.
    """
    path = Path(path)
    with reading(path):
        return StoredSweep(path, _checked(read_object(path / SWEEP_FILE)), registry)


class StoredSweep:
    """The folder of a sweep, finished or not.

    Attributes:
        path: the folder.
        content: the content of `sweep.json`.
    """

    def __init__(self, path: Path, content: dict[str, Any], registry: Registry | None) -> None:
        self.path, self.content, self._registry = path, content, registry

    @property
    def status(self) -> str:
        """`finished`, `running` (or killed), or `failed` if a run did."""
        return str(self.content["status"])

    @property
    def values(self) -> dict[str, dict[str, Any]]:
        """The values of the keys that vary, by the name of the spec."""
        return {each["name"]: each["values"] for each in self.content["specs"]}

    def specs(self) -> list[RunSpec]:
        """Return the specs in order.

        Raises:
            SpecError: one is no longer valid.
        """
        return [self._spec(each["spec"]) for each in self.content["specs"]]

    def _spec(self, text: str) -> RunSpec:
        return parse_spec(tomllib.loads(text), self._registry)

    @cached_property
    def shard(self) -> frozenset[Path] | None:
        """The runs that the folder is to have if it is that of one shard; None for all.

        Raises:
            OutputError: the list cannot be read.
        """
        return shard_runs(self.path)

    def _has(self, run: Path) -> bool:
        return self.shard is None or run in self.shard

    def tasks(self, *, allow_changes: bool = False) -> list[Task]:
        """Return a task for each run, also finished ones; make the folders of specs without one.

        Of a shard, they are its own runs.

        Args:
            allow_changes: as for `resume`.

        Raises:
            OutputError: the folder of a spec is damaged.
            SpecError: a spec is no longer valid.
            RunError: a folder cannot be made.
        """
        found = []
        for each in self.content["specs"]:
            directory = self.path / each["name"]
            if not _has_begun(directory):
                remove_temporary(directory)
                spec = self._spec(each["spec"])
                listed = tasks_of(spec, each["seeds"], directory)
                if not any(self._has(task.directory) for task in listed):
                    continue
                begin_ensemble(directory, spec, listed)
            ensemble = open_ensemble(directory, self._registry)
            left = tasks_left(ensemble, self._registry, allow_changes=allow_changes)
            found += [task for task in left if self._has(task.directory)]
        return found

    def outcomes(self) -> list[Outcome]:
        """Return what came of each run so far, as its folder says; of a shard, of its own runs.

        Raises:
            OutputError: the folder of a spec is damaged.
            SpecError: a spec that was not begun is no longer valid.
        """
        found = []
        for each in self.content["specs"]:
            directory = self.path / each["name"]
            if _has_begun(directory):
                listed = open_ensemble(directory).content["runs"]
                runs = [(directory / run["folder"], run["seed"], run.get("fold")) for run in listed]
            else:
                tasks = tasks_of(self._spec(each["spec"]), each["seeds"], directory)
                runs = [(task.directory, task.spec.seed, task.spec.data.fold) for task in tasks]
            found += [
                stored_outcome(path, each["name"], *own) for path, *own in runs if self._has(path)
            ]
        return found

    def finish(self) -> list[str]:
        """Make the folder of each spec a predictor, and record whether all runs have finished.

        A spec with runs in other shards is left as begun.

        Returns:
            Why specs with folds have no predictions out of fold, if any has none.

        Raises:
            RunError: a folder cannot be written to.
            ComponentError: a callback that was told raised an exception.
        """
        reasons = []
        for each in self.content["specs"]:
            directory = self.path / each["name"]
            if not _has_begun(directory):
                continue
            ensemble = open_ensemble(directory)
            runs = (directory / run["folder"] for run in ensemble.content["runs"])
            if ensemble.status != "finished" and all(map(self._has, runs)):
                why = finish_ensemble(directory, self._registry)
                reasons += [why] if why is not None else []
        if self.shard is None:
            done = all(each.error is None for each in self.outcomes())
            self.content = {**self.content, "status": "finished" if done else "failed"}
            _write(self.path, self.content)
            texts = (each["spec"] for each in self.content["specs"])
            finish_group(self.path, declared_callbacks(texts, self._registry), self._registry)
        return reasons


def _has_begun(directory: Path) -> bool:
    """Return whether both files that make a folder of seeds or folds are there."""
    return all((directory / name).is_file() for name in (folder.ENSEMBLE, folder.SPEC))


def stored_outcome(path: Path, name: str, seed: int, fold: int | None) -> Outcome:
    """Return the outcome that the folder of a run records; an error if it has not finished."""
    error = "it has not begun"
    if (path / folder.MANIFEST).is_file():
        try:
            run = open_run(path)
            if run.status == "finished":
                metrics = {data: with_nan(values) for data, values in run.metrics.items()}
                seconds = float(run.manifest.get("seconds", 0.0))
                return Outcome(name, seed, path, metrics, round(seconds, 3), None, fold)
            error = str(run.manifest.get("error") or f"it has not finished ({run.status})")
        except DeclnetError as problem:
            error = str(problem)
    return Outcome(name, seed, path, error=error, fold=fold)


def _write(directory: Path, content: Mapping[str, Any]) -> None:
    path = directory / SWEEP_FILE
    try:
        write_json(path, content)
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror}") from None


def _checked(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of `sweep.json`; raise ValueError if it is malformed."""
    specs, types = content.get("specs"), {"name": str, "values": dict, "seeds": list, "spec": str}
    if not isinstance(content.get("status"), str) or not isinstance(specs, list) or not specs:
        raise ValueError(f"{SWEEP_FILE}: has no status and specs")
    for each in specs:
        if not isinstance(each, dict) or any(
            not isinstance(each.get(key), kind) for key, kind in types.items()
        ):
            raise ValueError(f"{SWEEP_FILE}: a spec needs {', '.join(types)}")
        if Path(each["name"]).name != each["name"]:
            raise ValueError(f"{SWEEP_FILE}: {each['name']!r} is not the name of a folder")
        if any(type(seed) is not int for seed in each["seeds"]) or not each["seeds"]:
            raise ValueError(f"{SWEEP_FILE}: the seeds of {each['name']} are not whole numbers")
    return content
