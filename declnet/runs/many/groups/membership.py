"""Which group a run belongs to, and what tells it from the others."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from declnet.contracts.runs.callback import GroupedRun
from declnet.errors import DeclnetError
from declnet.runs.many.groups.documents import (
    ENSEMBLE_FILE,
    STUDY_FILE,
    STUDY_SUMMARY,
    SWEEP_FILE,
)
from declnet.runs.storage.folder import ENSEMBLE, SPEC, STUDY, SUMMARY, SWEEP, TRIALS, read_json
from declnet.spec.document.document import read_document
from declnet.spec.flatten import flatten
from declnet.spec.tuning import TUNE
from declnet.stored import Stored

Content = TypeVar("Content")


def grouped_run(directory: str | Path) -> GroupedRun | None:
    """Return a run as a member of its group, by the files next to its folder; None without one.

    Args:
        directory: the run's folder.
    """
    run = Path(directory).absolute()
    for folder in (run.parent, run.parent.parent):
        ensemble = _read(folder / ENSEMBLE, ENSEMBLE_FILE)
        members = ensemble.runs if ensemble is not None else ()
        name = run.relative_to(folder).as_posix()
        member = next((each for each in members if each.folder == name), None)
        if member is None:
            continue
        swept = _sweep(folder)
        trial = _trial(folder, run) if swept is None else None
        several = swept is not None or len({each.seed for each in members}) > 1
        values = {**(swept or trial or {}), **({"seed": member.seed} if several else {})}
        values |= {"fold": member.fold} if member.fold is not None else {}
        group = folder.parent if swept is not None else folder
        return GroupedRun(run, folder.parent.parent if trial is not None else group, values)
    trial = _trial(run, run)
    return GroupedRun(run, run.parent.parent, trial) if trial is not None else None


def _sweep(folder: Path) -> Mapping[str, Any] | None:
    """Return the values of a spec of a sweep by its folder; None if it is not part of one."""
    sweep = _read(folder.parent / SWEEP, SWEEP_FILE)
    specs = sweep.specs if sweep is not None else ()
    return next((swept.values for swept in specs if swept.name == folder.name), None)


def _trial(folder: Path, run: Path) -> dict[str, Any] | None:
    """Return the number and values of a trial by its folder; None if it is not part of a study.

    Those of one that has not ended are as in the run's spec, which has no variables.
    """
    study = folder.parent.parent
    if folder.parent.name != TRIALS or not folder.name.isdecimal() or not (study / STUDY).is_file():
        return None
    number, summary = int(folder.name), _read(study / SUMMARY, STUDY_SUMMARY)
    for trial in summary.trials if summary is not None else ():
        if trial.number == number:
            return {"trial": number, **trial.values}
    content = _read(study / STUDY, STUDY_FILE)
    with suppress(DeclnetError, OSError, ValueError, KeyError, AttributeError):
        keys = tomllib.loads(content.document)[TUNE]["space"] if content is not None else {}
        spec = flatten(read_document(run / SPEC).tables)
        return {"trial": number, **{key: spec[key] for key in keys if key in spec}}
    return {"trial": number}


def _read(path: Path, stored: Stored[Content]) -> Content | None:
    """Return the content of a file of a group; None if it cannot be read."""
    content: Content | None = None
    with suppress(OSError, DeclnetError):
        status = path.stat()
        version = status.st_mtime_ns, status.st_size, status.st_ino
        content = _read_version(path, stored, version)
    return content


@lru_cache(maxsize=4)  # each run of a sweep asks for the same ones
def _read_version(path: Path, stored: Stored[Content], _version: object) -> Content:
    return read_json(path, stored)
