"""Writes predictions as CSV."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from declnet.runs.predictions import Predictions
from declnet.runs.using.polars_frame import as_frame, has_polars
from declnet.runs.using.text_column import as_text, csv_text


def write_csv(parts: Iterable[Predictions], file: BinaryIO) -> int:
    """Writes a header and a line for each sample, as the parts come; returns how many samples."""
    rows, fast = 0, has_polars()
    for part in parts:
        columns = part.columns()
        if not rows:
            file.write((",".join(map(csv_text, columns)) + "\n").encode())
        if fast:
            file.write(as_frame(columns).write_csv(include_header=False).encode())
        else:
            texts = [as_text(column, csv_text) for column in columns.values()]
            lines = map(",".join, zip(*texts, strict=True))
            file.write(("\n".join(lines) + "\n").encode())
        rows += len(part)
    return rows
