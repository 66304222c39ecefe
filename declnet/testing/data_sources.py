"""What a data source promises: it loads what it describes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.components.data_source import DataInfo, Dataset
from declnet.components.returned import checked_info, checked_load
from declnet.components.table import Table
from declnet.data.loading import checked_data as require_consistent
from declnet.errors import DataError
from declnet.testing.check import CheckFailed, Subject, calling, check
from declnet.testing.comparison import same
from declnet.testing.trial import Setting, Trial, copied
from declnet.testing.trial_checks import USED_ONCE

SUFFIX = re.compile(r"\.[a-z0-9][a-z0-9._-]*")


def loaded(subject: Subject, seed: int = 0) -> Dataset | Table:
    """Return the data; raise CheckSkipped if it is not there."""
    rng = np.random.Generator(np.random.PCG64(seed))
    with calling("load", skips=DataError):
        return checked_load(subject.instance, subject.instance.load(rng))


def try_data_source(subject: Subject, setting: Setting) -> Trial:
    """Load the data."""
    return Trial(
        {name: copied(each) for name, each in _arrays(loaded(subject, setting.seed)).items()}
    )


@check
def loads_usable_arrays(subject: Subject) -> None:
    """Loads arrays of finite numbers, x and y with as many samples each."""
    dataset = subject.once("data", lambda: loaded(subject))
    try:
        require_consistent(dataset, "its")
    except DataError as error:
        raise CheckFailed(str(error)) from None


@check
def loads_what_it_describes(subject: Subject) -> None:
    """Describes the shapes, types, classes and number of samples that it loads."""
    described = _described(subject)
    dataset = subject.once("data", lambda: loaded(subject))
    if isinstance(dataset, Table) or described is None:
        _require_table(dataset, described)
        return
    found = DataInfo.of(dataset.x, dataset.y)
    pairs: dict[str, tuple[Any, Any]] = {
        "sample_shape": (tuple(described.sample_shape), found.sample_shape),
        "dtype": (described.dtype, found.dtype),
    }
    if described.target == "classes":
        pairs["target"] = (described.target, found.target)
    else:
        pairs["target_shape"] = (tuple(described.target_shape), dataset.y.shape[1:])
    if described.samples is not None:
        pairs["samples"] = (described.samples, found.samples)
    for name, (said, loaded_as) in pairs.items():
        if said != loaded_as:
            raise CheckFailed(f"describe() says {name} {said!r}, load() gives {loaded_as!r}")
    if described.classes is not None and found.classes is not None:
        lowest = int(dataset.y.min())
        if found.classes > described.classes or lowest < 0:
            raise CheckFailed(
                f"describe() says {described.classes} classes, so labels from 0 to "
                f"{described.classes - 1}, but load() gives labels from {lowest} to "
                f"{found.classes - 1}"
            )


@check
def describes_alike_each_time(subject: Subject) -> None:
    """Gives the same description each time."""
    if _described(subject) != _described(subject):
        raise CheckFailed("describe() differs from call to call; only load() may draw")


@check
def chunks_equal_the_whole(subject: Subject) -> None:
    """Gives in chunks what it gives at once."""
    whole = subject.once("data", lambda: loaded(subject))
    for samples in (7, len(whole) + 1):
        rng = np.random.Generator(np.random.PCG64(0))
        with calling("chunks", skips=DataError):
            parts = [
                checked_load(subject.instance, part, "chunks")
                for part in subject.instance.chunks(rng, samples)
            ]
        if any(len(part) > samples for part in parts):
            raise CheckFailed(f"chunks({samples}) gives more samples at once")
        for name, array in _arrays(whole).items():
            found = np.concatenate([_arrays(part)[name] for part in parts])
            if found.shape != array.shape or not same(found.astype(array.dtype), array):
                raise CheckFailed(f"{name} in chunks of {samples} differs from that of load()")


@check
def names_suffixes_of_files(subject: Subject) -> None:
    """Names the files that it reads by suffixes such as `.csv`, if it reads files."""
    for suffix in getattr(subject.instance, "suffixes", ()):
        if not isinstance(suffix, str) or not SUFFIX.fullmatch(suffix):
            raise CheckFailed(f'{suffix!r} is not a suffix; it is a dot and small letters: ".csv"')


CHECKS = (
    loads_usable_arrays,
    *USED_ONCE,
    loads_what_it_describes,
    describes_alike_each_time,
    chunks_equal_the_whole,
    names_suffixes_of_files,
)


def _arrays(data: Dataset | Table) -> dict[str, Array]:
    if isinstance(data, Table):
        return {f"column {name}": each for name, each in data.columns.items()}
    return {"x": np.asarray(data.x), "y": data.y}


def _require_table(dataset: Dataset | Table, described: DataInfo | None) -> None:
    if not isinstance(dataset, Table):
        raise CheckFailed("describe() gives None, as for a table, but load() gives a Dataset")
    if described is not None:
        raise CheckFailed("load() gives a Table, so describe() must give None")
    named = [*(dataset.features or ()), *([dataset.target] if dataset.target else [])]
    for name in named:
        if name not in dataset.columns:
            raise CheckFailed(f'the table has no column "{name}", which it names')


def _described(subject: Subject) -> DataInfo | None:
    with calling("describe", skips=DataError):
        return checked_info(subject.instance, subject.instance.describe())
