"""Groups of runs: which one a run belongs to, and telling its callbacks when all have ended."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from declnet.contracts.attribution import attributing_errors
from declnet.contracts.runs.callback import Callback, GroupedRun
from declnet.errors import DeclnetError
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.runs.comparison import common_directions, stored_directions
from declnet.runs.display.metrics import informative, main_metric, sort_key
from declnet.runs.many.group_folder import SUMMARY
from declnet.runs.many.study_folder import STUDY, TRIALS, is_study
from declnet.runs.storage.folder import ENSEMBLE, SPEC, read_object
from declnet.runs.storage.listing import ListedRun, list_runs
from declnet.spec.document.document import read_document
from declnet.spec.flatten import flatten
from declnet.spec.tuning import TUNE

SWEEP_FILE = "sweep.json"
"""In the folder of a sweep: its specs, with the values that vary."""


def grouped_run(directory: str | Path) -> GroupedRun | None:
    """Return a run as a member of its group, by the files next to its folder; None without one.

    Args:
        directory: the run's folder.
    """
    run = Path(directory).absolute()
    for folder in (run.parent, run.parent.parent):
        listed = _listed(folder / ENSEMBLE, "runs", "folder")
        own = listed.get(run.relative_to(folder).as_posix())
        if own is None:
            continue
        swept = _sweep(folder)
        trial = _trial(folder, run) if swept is None else None
        several = swept is not None or len({each.get("seed") for each in listed.values()}) > 1
        values = {**(swept or trial or {}), **({"seed": own.get("seed")} if several else {})}
        values |= {"fold": own["fold"]} if "fold" in own else {}
        group = folder.parent if swept is not None else folder
        return GroupedRun(run, folder.parent.parent if trial is not None else group, values)
    trial = _trial(run, run)
    return GroupedRun(run, run.parent.parent, trial) if trial is not None else None


def _sweep(folder: Path) -> Mapping[str, Any] | None:
    """Return the values of a spec of a sweep by its folder; None if it is not part of one."""
    values = _listed(folder.parent / SWEEP_FILE, "specs", "name").get(folder.name, {}).get("values")
    return dict(values) if isinstance(values, Mapping) else None


def _trial(folder: Path, run: Path) -> dict[str, Any] | None:
    """Return the number and values of a trial by its folder; None if it is not part of a study.

    Those of one that has not ended are as in the run's spec, which has no variables.
    """
    study = folder.parent.parent
    if folder.parent.name != TRIALS or not folder.name.isdecimal() or not is_study(study):
        return None
    number = int(folder.name)
    known = _listed(study / SUMMARY, "trials", "number").get(str(number), {}).get("values")
    if isinstance(known, Mapping):
        return {"trial": number, **known}
    with suppress(DeclnetError, OSError, ValueError, KeyError, AttributeError):
        document = tomllib.loads(read_object(study / STUDY)["document"])
        spec = flatten(read_document(run / SPEC).tables)
        keys = document[TUNE]["space"]
        return {"trial": number, **{key: spec[key] for key in keys if key in spec}}
    return {"trial": number}


def _listed(file: Path, key: str, name: str) -> dict[str, dict[str, Any]]:
    """Return the objects of a list in a file by a key of theirs; none if it cannot be read."""
    try:
        status = file.stat()
        return _read_list(file, key, name, (status.st_mtime_ns, status.st_size, status.st_ino))
    except (OSError, ValueError):
        return {}


@lru_cache(maxsize=4)  # each run of a sweep asks for the same ones
def _read_list(file: Path, key: str, name: str, _version: object) -> dict[str, dict[str, Any]]:
    found = read_object(file).get(key)
    objects = found if isinstance(found, list) else []
    return {str(each.get(name)): each for each in objects if isinstance(each, dict)}


def finish_group(directory: Path, callbacks: Iterable[Callback], registry: Registry | None) -> None:
    """Tell callbacks that all runs of a group have ended; those that are equal, once.

    Args:
        directory: the folder of the group, whose files are written.
        callbacks: of all its specs.
        registry: where their distributions are looked up; default: all installed plugins.

    Raises:
        ComponentError: a callback raised an exception.
    """
    told = _told("group_finished", callbacks)
    if not told:
        return
    listed = [each for each in list_runs(directory) if isinstance(each, ListedRun)]
    runs = [each for each in map(_grouped, listed, [directory] * len(listed)) if each is not None]
    if not runs:
        return
    best, _ = best_of(listed)
    told_best = _grouped(best, directory) if best is not None else None
    with attributing_errors(registry or default_registry()):
        for callback in told:
            callback.group_finished(runs, told_best)


@contextmanager
def telling_group(
    directory: Path, callbacks: Callable[[], Iterable[Callback]], registry: Registry | None
) -> Iterator[None]:
    """Tell callbacks of an exception that ends the runs of a group early, and raise it.

    Args:
        directory: the folder of the group.
        callbacks: returns those of all its specs.
        registry: where their distributions are looked up; default: all installed plugins.
    """
    try:
        yield
    except BaseException as error:
        group = directory.absolute()
        try:
            with attributing_errors(registry or default_registry()):
                for callback in _told("group_failed", callbacks()):
                    callback.group_failed(group, error)
        except Exception as another:  # report the first one
            error.add_note(f"the callbacks of {directory} were not told: {another}")
        raise


def _told(method: str, callbacks: Iterable[Callback]) -> list[Callback]:
    """Return the callbacks that override a method; those that are equal, once."""
    told: list[Callback] = []
    for each in callbacks:
        if getattr(type(each), method) is not getattr(Callback, method) and each not in told:
            told.append(each)
    return told


def _grouped(run: ListedRun, directory: Path) -> GroupedRun | None:
    found = grouped_run(directory / run.path)
    if found is None:
        return None
    return GroupedRun(found.directory, found.group, found.values, run.status, run.metrics)


def best_run(directory: Path) -> tuple[Path, str] | None:
    """Return the folder of the best run in a folder, and the metric; None without one.

    Raises:
        OutputError: the folder cannot be read.
    """
    best, metric = best_of([each for each in list_runs(directory) if isinstance(each, ListedRun)])
    return (directory / best.path, metric) if best is not None else None


def best_of(runs: Sequence[ListedRun]) -> tuple[ListedRun | None, str]:
    """Return the finished run with the best main metric, None without one, and that metric."""
    directions = common_directions(stored_directions(run.better, run.spec or {}) for run in runs)
    metric = main_metric(informative(run.metrics for run in runs), directions)
    better = directions.get(metric[1]) if metric is not None else None
    finished = [run for run in runs if run.status == "finished"]
    if metric is None or better is None or not finished:
        return None, ""
    data, name = metric
    best = min(finished, key=lambda run: sort_key(run.metrics.get(data, {}).get(name), better))
    return best, f"{data}.{name}"


def declared_callbacks(specs: Iterable[str], registry: Registry | None) -> Iterator[Callback]:
    """Yield the callbacks of resolved specs, those that several share mostly once.

    Args:
        specs: each as TOML.
        registry: where they are looked up; default: all installed plugins.
    """
    registry, known = registry or default_registry(), set[str]()
    for text in specs:
        if "callbacks = []" in text:  # as in most specs, of which there may be thousands
            continue
        with suppress(KeyError):
            for table in tomllib.loads(text)["training"]["callbacks"]:
                if repr(table) not in known:
                    known.add(repr(table))
                    yield Callback.from_declaration(table, {"registry": registry})
