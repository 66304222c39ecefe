"""Files of both commands: which format a name means, and writing them whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from declnet import OutputError, Registry, require_free, write_atomically


def formats_by_suffix(
    kind: Literal["exporter", "importer"], name: str, registry: Registry
) -> list[str]:
    """Return the types whose suffix a file's name ends with: of the longest one, in order."""
    lengths = {
        entry.type: max(len(suffix) for suffix in entry.component.suffixes if name.endswith(suffix))
        for entry in registry.entries(kind)
        if name.endswith(entry.component.suffixes)
    }
    return sorted(type_ for type_, length in lengths.items() if length == max(lengths.values()))


def write_file(path: Path, content: bytes, *, force: bool) -> None:
    """Write a file whole or not at all.

    Raises:
        OutputError: the file exists without `force`, or cannot be written.
    """
    require_free(path, force)
    try:
        write_atomically(path, content)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None
