"""Writes predictions as lines of JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from declnet.runs.predictions import Predictions
from declnet.runs.using.text_column import json_items, json_text


def write_json_lines(parts: Iterable[Predictions], file: BinaryIO) -> int:
    """Writes an object a line, with the columns' names as keys; returns how many samples."""
    rows = 0
    for part in parts:
        columns = part.columns()
        keys = [json_text(name) + ": " for name in columns]
        items = [json_items(column) for column in columns.values()]
        pairs = [[key + each for each in column] for key, column in zip(keys, items, strict=True)]
        lines = map(", ".join, zip(*pairs, strict=True))
        file.write("".join([f"{{{line}}}\n" for line in lines]).encode())
        rows += len(part)
    return rows
