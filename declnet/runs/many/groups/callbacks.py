"""Telling the callbacks of a group that all of its runs have ended, or why they have not."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from declnet.contracts.attribution import attributing_errors
from declnet.contracts.runs.callback import Callback, GroupedRun
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.runs.comparison import best_of
from declnet.runs.many.groups.membership import grouped_run
from declnet.runs.storage.listing import ListedRun, list_runs


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
