"""What a data source promises: it loads what it describes."""

from __future__ import annotations

from typing import Any

from declnet.components.data_source import DataInfo
from declnet.data.loading import checked
from declnet.errors import DataError
from declnet.testing.benches.plain_benches import loaded
from declnet.testing.check import check
from declnet.testing.failures import CheckFailed, calling
from declnet.testing.subjects import Subject


@check
def loads_usable_arrays(subject: Subject) -> None:
    """Loads arrays of finite numbers, x and y with as many samples each."""
    dataset = subject.once("data", lambda: loaded(subject))
    try:
        checked(dataset, "its")
    except DataError as error:
        raise CheckFailed(str(error)) from None


@check
def loads_what_it_describes(subject: Subject) -> None:
    """Describes the shapes, types, classes and number of samples that it loads."""
    described = _described(subject)
    dataset = subject.once("data", lambda: loaded(subject))
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


CHECKS = (loads_usable_arrays, loads_what_it_describes, describes_alike_each_time)


def _described(subject: Subject) -> DataInfo:
    with calling("describe", skips=DataError):
        info = subject.instance.describe()
    if not isinstance(info, DataInfo):
        raise CheckFailed(f"describe() gives a {type(info).__name__}, not a DataInfo")
    return info
