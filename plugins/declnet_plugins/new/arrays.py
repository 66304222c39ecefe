"""Reading arrays, such as images, that a user wants a spec for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from declnet import DataArgument, DataError, DataInfo, DataSource, verified
from declnet_plugins.new.profiling import TableChoices, declared


@dataclass(frozen=True)
class ArraysProfile:
    """A description of arrays, independent of any model.

    Attributes:
        source: the data source that reads them, as in `[data.train]` of a spec in the spec's
            folder.
        info: the shapes, types, classes and number of samples.
        folds: into how many folds the user wants to divide the samples, 1 for a single split; None
            leaves it to the template.
        test: the fraction of samples that the user wants to hold out to measure the model, 0 for
            none; None leaves it to the template.
    """

    source: Mapping[str, Any]
    info: DataInfo
    folds: int | None = None
    test: float | None = None


def arrays_profile_of(data: DataArgument, folder: Path, choices: TableChoices) -> ArraysProfile:
    """Describe arrays, without loading them if possible.

    Args:
        data: a file or folder, or a data source, of arrays.
        folder: the spec's folder, to which its paths are relative.
        choices: the options of the command.

    Raises:
        DataError: the data cannot be read, or an option is for tables.
    """
    for option in (
        *("task", "features", "exclude", "minutes"),
        *("time", "series", "horizon", "no_header"),
    ):
        if getattr(choices, option):
            flag = option.replace("_", "-")
            raise DataError(f"--{flag} is for tables, but {data.name} holds arrays")
    source = data.source
    if choices.targets:
        source = verified(DataSource.with_targets, source, choices.targets)
        named = {getattr(source, "target", None), *(getattr(source, "targets", None) or ())}
        if not {*choices.targets} <= named:
            raise DataError(f"--target names a column, but {data.name} holds arrays")
    settings = (
        {} if data.is_file else {key: getattr(source, key) for key in source.model_fields_set}
    )
    source = verified(DataSource.with_detected_format, source).model_copy(update=settings)
    info = verified(DataSource.describe, source)
    if info is None:
        raise DataError(f"{data.name}: is not described")
    return ArraysProfile(declared(source, folder), info, choices.folds, choices.test)
