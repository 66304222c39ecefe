"""The data source that reads a file, by the end of its name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from declnet.components.data_source import DataSource
from declnet.errors import DataError
from declnet.registry.registry import Registry

TYPES = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".tsv": "csv",
    ".tsv.gz": "csv",
    ".parquet": "parquet",
    ".npz": "npz",
    ".npy": "npy",
}
"""The type of the data source for each end of a file's name."""


def file_type(path: Path) -> str:
    """The type of the data source that reads a file; raises DataError for another kind of file."""
    name = path.name.lower()
    found = next((each for end, each in TYPES.items() if name.endswith(end)), None)
    if found is None:
        raise DataError(
            f"{path}: what kind of file is it?", hint=f"its name must end in {', '.join(TYPES)}"
        )
    return found


def file_source(
    path: Path,
    registry: Registry,
    like: DataSource | None = None,
    columns: Collection[str] = (),
    target: str | None = None,
    form: Mapping[str, str] | None = None,
) -> DataSource:
    """A data source for a file.

    Args:
        path: the file.
        registry: where the data source is looked up.
        like: another source, e.g. the one of the training data; if it is of the same type, the file
            is read as that one's, e.g. with its delimiter.
        columns: of a table, the features to read; default: all but the target.
        target: of a table, the column of the target, if the file must have it.
        form: other keys of the data source, as its file is written.

    Raises:
        DataError: there is no such file, or no data source for it.
    """
    kind = file_type(path)
    if not path.is_file():
        raise DataError(f"{path}: {'is no file' if path.exists() else 'there is no such file'}")
    if kind not in registry.types(DataSource.kind):
        raise DataError(
            f'{path}: there is no data source "{kind}"',
            hint="is the plugin that has it installed and enabled?",
        )
    fields: dict[str, Any] = {}
    if like is not None and like.type == kind:
        fields = like.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        for key in ("target", "features"):
            fields.pop(key, None)
        known = {*columns, *([target] if target is not None else [])}
        if known and "types" in fields:
            fields["types"] = {
                name: each for name, each in fields["types"].items() if name in known
            }
    elif kind == "csv" and ".tsv" in path.name.lower():
        fields["delimiter"] = "\t"
    if target is not None and kind in ("csv", "parquet"):
        fields["target"] = target
    if columns and kind in ("csv", "parquet"):
        fields["features"] = list(columns)
    fields |= {**(form or {}), "type": kind, "path": str(path)}
    return DataSource.from_declaration(fields, {"registry": registry})
