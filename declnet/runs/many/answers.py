"""The answer of an executor to a task, as bytes, and the files of a run that come with it."""

from __future__ import annotations

import json
import os
import shutil
from glob import escape
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from declnet.runs.storage.writing import is_temporary, make_folder, sync_folder, write_atomically


class Answer(NamedTuple):
    """What came of a task.

    Attributes:
        outcome: the fields of an `Outcome` that its run decides on.
        files: the files of the run by their paths in its folder; None if they are there already.
        unstoppable: whether the run could not be stopped early, as it should have been.
    """

    outcome: dict[str, Any]
    files: dict[str, bytes] | None = None
    unstoppable: bool = False

    def packed(self) -> bytes:
        """Return a line of JSON, and then the content of the files one after another."""
        files = self.files
        sizes = {name: len(file) for name, file in files.items()} if files is not None else None
        head = {"outcome": self.outcome, "files": sizes, "unstoppable": self.unstoppable}
        return b"\n".join([json.dumps(head).encode(), b"".join((files or {}).values())])

    @classmethod
    def unpacked(cls, content: bytes) -> Answer:
        """Return the answer that `packed` returned as bytes.

        Raises:
            ValueError: it did not.
        """
        head, _, rest = content.partition(b"\n")
        try:
            fields = json.loads(head)
            outcome, sizes = dict(fields["outcome"]), fields["files"]
            unstoppable = bool(fields.get("unstoppable"))
            files: dict[str, bytes] = {}
            start = 0
            for name, size in (sizes or {}).items():
                path = PurePosixPath(name)
                if path.is_absolute() or ".." in path.parts:
                    raise ValueError(name)
                files[name] = rest[start : start + size]
                start += size
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(str(error)) from None
        return cls(outcome, files if sizes is not None else None, unstoppable)


def place_files(files: dict[str, bytes], directory: Path) -> None:
    """Write the files of a run so that its folder has all of them or is as it was."""
    arriving, former = (
        directory.with_name(f".{directory.name}.{state}.{os.getpid()}")
        for state in ("arriving", "former")
    )
    for left in directory.parent.glob(f".{escape(directory.name)}.*"):
        if is_temporary(left):  # of this process or of a killed one
            shutil.rmtree(left, ignore_errors=True)
    make_folder(arriving)
    for name, content in files.items():
        path = arriving / name
        make_folder(path.parent)
        write_atomically(path, content)
    if directory.exists():  # what an earlier process left of the run
        directory.rename(former)
    arriving.rename(directory)
    sync_folder(directory.parent)
    shutil.rmtree(former, ignore_errors=True)
