"""Which group a run belongs to, and what tells it from the others."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from declnet.contracts.runs.callback import GroupedRun
from declnet.errors import DeclnetError
from declnet.runs.storage.folder import ENSEMBLE, SPEC, STUDY, SUMMARY, SWEEP, TRIALS, read_object
from declnet.spec.document.document import read_document
from declnet.spec.flatten import flatten
from declnet.spec.tuning import TUNE


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
    values = _listed(folder.parent / SWEEP, "specs", "name").get(folder.name, {}).get("values")
    return dict(values) if isinstance(values, Mapping) else None


def _trial(folder: Path, run: Path) -> dict[str, Any] | None:
    """Return the number and values of a trial by its folder; None if it is not part of a study.

    Those of one that has not ended are as in the run's spec, which has no variables.
    """
    study = folder.parent.parent
    if folder.parent.name != TRIALS or not folder.name.isdecimal() or not (study / STUDY).is_file():
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
