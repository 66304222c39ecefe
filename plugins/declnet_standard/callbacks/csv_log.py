"""The history as a table for spreadsheets."""

import csv
import os
from dataclasses import dataclass
from io import StringIO
from pathlib import Path, PurePath
from typing import Any

from pydantic import Field, field_validator

from declnet import Callback, EpochLogged, Run

OWN = ("spec.", "manifest.", "history.jsonl", "metrics.", "weights.", "preparation.", "checkpoints")
"""Prefixes of the names of files that the run itself writes."""


@dataclass
class Table:
    """The file (None if nothing is written), its columns and its size in bytes."""

    file: Path | None
    columns: list[str]
    size: int


class CsvLog(Callback):
    """A row for each logged epoch, with the names of the metrics in the first.

    Numbers are written with all digits. A resumed run continues the table.
    """

    type = "csv_log"
    examples = ({}, {"path": "epochs.csv"})

    path: str = Field(default="history.csv", description="a file's name, in the run's folder")

    @field_validator("path")
    @classmethod
    def _in_the_folder(cls, path: str) -> str:
        if not path or PurePath(path).name != path or "\\" in path or path.startswith((".", *OWN)):
            raise ValueError("must be the name of a file of its own in the run's folder")
        return path

    def start(self, run: Run) -> Table:
        """Create an empty file."""
        file = run.directory / self.path if run.directory is not None else None
        if file is not None:
            file.write_bytes(b"")
        return Table(file, [], 0)

    def save(self, state: Table) -> dict[str, Any]:
        """Flush the table to disk and return its length."""
        if state.file is not None:
            with state.file.open("rb") as table:
                os.fsync(table.fileno())
        return {"columns": state.columns, "size": state.size}

    def restore(self, run: Run, saved: dict[str, Any]) -> Table:
        """Truncate the table to its length at the checkpoint.

        Raises:
            ValueError: the table is shorter than it was at the checkpoint.
        """
        file = run.directory / self.path if run.directory is not None else None
        size: int = saved["size"]
        if file is not None:
            if not file.is_file() or file.stat().st_size < size:
                raise ValueError(f"{file} is shorter than it was at the checkpoint")
            os.truncate(file, size)
        return Table(file, saved["columns"], size)

    def epoch_finished(self, state: Table, epoch: EpochLogged) -> None:
        """Add a row."""
        row = epoch.row()
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if not state.columns:
            state.columns = list(row)
            writer.writerow(state.columns)
        writer.writerow(row.get(name, "") for name in state.columns)
        line = text.getvalue().encode()
        state.size += len(line)
        if state.file is not None:
            with state.file.open("ab", buffering=0) as table:
                table.write(line)
