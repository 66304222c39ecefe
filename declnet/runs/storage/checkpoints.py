"""Checkpoints in a run's folder: file format, retention and integrity checks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator
from safetensors import SafetensorError
from safetensors.numpy import load, save

from declnet.contracts.arrays import Array
from declnet.contracts.serialization import from_plain, to_plain
from declnet.errors import OutputError
from declnet.runs.notices import Notice
from declnet.runs.storage.folder import CHECKPOINTS, read_json
from declnet.runs.storage.writing import (
    make_folder,
    read_bytes,
    remove_temporary,
    write_atomically,
)
from declnet.stored import Stored, parse_json

FORMAT = "declnet.checkpoint.2"
INDEX = "index.json"
KEEP_LAST = 2
"""Number of checkpoints to keep if no callback specifies it."""


def packed(content: dict[str, Any]) -> bytes:
    """Return plain values as the bytes of a file (see `declnet.contracts.serialization`).

    Raises:
        NotPlainError: the values are not plain.
    """
    arrays: dict[str, Array] = {}
    parts = {name: to_plain(value, arrays, name) for name, value in content.items()}
    return save(arrays, {FORMAT: json.dumps(parts, allow_nan=False)})


def unpacked(data: bytes) -> dict[str, Any]:
    """Return the values passed to `packed`.

    Raises:
        ValueError: the bytes are not a checkpoint in this format.
    """
    try:
        arrays = load(data)
        size = int.from_bytes(data[:8], "little")
        parts = parse_json(parse_json(data[8 : 8 + size])["__metadata__"][FORMAT].encode())
        return {name: from_plain(plain, arrays) for name, plain in parts.items()}
    except (SafetensorError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"not a checkpoint of format {FORMAT}: {error}") from None


def _file_name(name: str) -> str:
    if Path(name).name != name:
        raise ValueError(f'"{name}" is not the name of a file')
    return name


@dataclass(frozen=True)
class Checkpoint:
    """An entry of the checkpoint index.

    Attributes:
        file: the file's name in the checkpoint folder.
        epoch: the current epoch, or the next one.
        batch: number of completed batches of that epoch.
        step: number of updates made.
        sha256: the file's checksum.
        best: whether a callback marked it as the best.
    """

    file: Annotated[str, AfterValidator(_file_name)]
    epoch: int
    batch: int
    step: int
    sha256: str
    best: bool = False


_INDEX_FILE = Stored[tuple[Checkpoint, ...]](tuple[Checkpoint, ...])


class Checkpoints:
    """The folder `checkpoints`, created when the first checkpoint is written.

    Each checkpoint is written atomically under a unique name, followed by the index with its
    checksum, also atomically. Only then are outdated checkpoints removed, so a kill at any moment
    leaves an index whose checkpoints are all intact.
    """

    def __init__(self, directory: Path) -> None:
        self._folder = directory / CHECKPOINTS
        self.entries: list[Checkpoint] = []

    def write(
        self, content: dict[str, Any], epoch: int, batch: int, step: int, best: bool, keep_last: int
    ) -> None:
        """Write a checkpoint, or mark the existing one for the same moment as the best.

        Args:
            content: plain values.
            epoch: as in `Checkpoint`, like batch and step.
            best: whether it replaces the best one so far.
            keep_last: how many to keep besides the best.

        Raises:
            OSError: the checkpoint cannot be written.
            NotPlainError: the content is not plain.
        """
        checkpoints = [
            replace(checkpoint, best=checkpoint.best and not best) for checkpoint in self.entries
        ]
        if checkpoints and (checkpoints[-1].epoch, checkpoints[-1].batch) == (epoch, batch):
            checkpoints[-1] = replace(checkpoints[-1], best=best or checkpoints[-1].best)
        else:
            data, name = packed(content), f"step-{step:09}.safetensors"
            make_folder(self._folder)
            write_atomically(self._folder / name, data)
            checksum = hashlib.sha256(data).hexdigest()
            checkpoints.append(Checkpoint(name, epoch, batch, step, checksum, best))
        self._write_index(
            [checkpoint for checkpoint in checkpoints[:-keep_last] if checkpoint.best]
            + checkpoints[-keep_last:]
        )

    def read(self, notice: Notice) -> Iterator[tuple[Checkpoint, dict[str, Any]]]:
        """Yield the intact checkpoints from newest to oldest.

        Args:
            notice: called with a sentence for each damaged checkpoint.
        """
        index = self._folder / INDEX
        if not index.exists():
            return
        try:
            entries = read_json(index, _INDEX_FILE)
            self.entries = sorted(entries, key=lambda entry: entry.step)
        except OutputError:
            notice(f"{index} is damaged, so no checkpoint can be trusted")
            return
        for checkpoint in reversed(self.entries):
            try:
                yield checkpoint, self._content(checkpoint)
            except FileNotFoundError:
                notice(
                    f"{self._folder / checkpoint.file} is missing; using the previous checkpoint"
                )
            except (OSError, ValueError) as error:
                notice(
                    f"{self._folder / checkpoint.file} is damaged ({error}); using the previous "
                    "checkpoint"
                )

    def rewind(self, checkpoint: Checkpoint | None) -> None:
        """Drop all checkpoints after the given one (all for None) and remove unindexed files."""
        if not self._folder.is_dir():
            return
        remove_temporary(self._folder)
        last = checkpoint.step if checkpoint is not None else -1
        self._write_index([entry for entry in self.entries if entry.step <= last])

    def clear(self) -> None:
        """Remove all checkpoints, and the folder if it is then empty; raise OSError on failure."""
        if self._folder.is_dir():
            (self._folder / INDEX).unlink(missing_ok=True)
            self._remove_all_but([])
            if not any(self._folder.iterdir()):
                self._folder.rmdir()

    def _write_index(self, checkpoints: list[Checkpoint]) -> None:
        write_atomically(self._folder / INDEX, _INDEX_FILE.write(tuple(checkpoints)))
        self._remove_all_but(checkpoints)

    def _remove_all_but(self, checkpoints: list[Checkpoint]) -> None:
        self.entries = checkpoints
        names = {checkpoint.file for checkpoint in checkpoints}
        for path in self._folder.glob("step-*.safetensors"):
            if path.name not in names:
                path.unlink(missing_ok=True)

    def _content(self, checkpoint: Checkpoint) -> dict[str, Any]:
        data = read_bytes(self._folder / checkpoint.file)
        if hashlib.sha256(data).hexdigest() != checkpoint.sha256:
            raise ValueError("its checksum does not match")
        return unpacked(data)
