"""The forms of a run's files: whoever reads them again may rely on what was checked here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from declnet.runs import folder


def read_object(path: Path) -> dict[str, Any]:
    """A file with one JSON object.

    Raises:
        ValueError: it has something else; the message begins with the file's name.
        OSError: it cannot be read.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name}: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path.name}: no JSON object")  # noqa: TRY004  # of the file, not of us
    return content


def read_metrics(directory: Path) -> dict[str, dict[str, Any]]:
    """The final figures of a run: numbers, or None, by data set and name; empty without the file.

    Raises:
        ValueError: it has something else.
        OSError: it cannot be read.
    """
    path = directory / folder.METRICS
    if not path.is_file():
        return {}
    content = read_object(path)
    for data, values in content.items():
        if not isinstance(values, dict):
            raise ValueError(f"{path.name}: {data} is no JSON object")  # noqa: TRY004
        for name, value in values.items():
            if value is not None and type(value) not in (int, float):
                raise ValueError(f"{path.name}: {data}.{name} is no number")
    return content


def parse_row(line: str | bytes) -> dict[str, Any]:
    """A line of the history.

    Raises:
        ValueError: it is no JSON object, or its epoch is no whole number.
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{folder.HISTORY}: {error}") from None
    if not isinstance(row, dict) or type(row.get("epoch")) is not int:
        raise ValueError(f"{folder.HISTORY}: a line is no logged epoch")
    return row
