"""Reading and validating a run's files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from declnet.runs import folder


def read_object(path: Path) -> dict[str, Any]:
    """Read a file that contains one JSON object.

    Raises:
        ValueError: the content is anything else; the message starts with the file's name.
        OSError: the file cannot be read.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name}: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path.name}: no JSON object")  # noqa: TRY004  # about the file's content
    return content


def read_metrics(directory: Path) -> dict[str, dict[str, Any]]:
    """Return a run's final metrics (numbers or None) by data set and name; empty without the file.

    Raises:
        ValueError: the content is anything else.
        OSError: the file cannot be read.
    """
    path = directory / folder.METRICS
    if not path.is_file():
        return {}
    content = read_object(path)
    for data, values in content.items():
        if not isinstance(values, dict):
            raise ValueError(f"{path.name}: {data} is not a JSON object")  # noqa: TRY004
        for name, value in values.items():
            if value is not None and type(value) not in (int, float):
                raise ValueError(f"{path.name}: {data}.{name} is not a number")
    return content


def parse_row(line: str | bytes) -> dict[str, Any]:
    """Parse a line of the history.

    Raises:
        ValueError: it is not a JSON object, or its epoch is not an integer.
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{folder.HISTORY}: {error}") from None
    if not isinstance(row, dict) or type(row.get("epoch")) is not int:
        raise ValueError(f"{folder.HISTORY}: a line is not a logged epoch")
    return row
