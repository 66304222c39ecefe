"""What the text at a problem's place means, determined without declnet."""

from __future__ import annotations

import json
import tomllib
from typing import Any

NOTHING = object()


def pointed_at(problem: dict[str, Any], text: str) -> str:
    """Return the text between the columns of a problem, which must be in the text."""
    lines = text.split("\n")
    line, column, end_line, end = (
        problem[key] for key in ("line", "column", "end_line", "end_column")
    )
    assert 1 <= line <= end_line <= len(lines)
    assert 1 <= column <= len(lines[line - 1]) + 1
    assert 1 <= end <= len(lines[end_line - 1]) + 1
    assert (line, column) <= (end_line, end)
    first = sum(len(each) + 1 for each in lines[: line - 1])
    last = sum(len(each) + 1 for each in lines[: end_line - 1])
    return text[first + column - 1 : last + end - 1]


def is_guilty(part: str, path: str, document: dict[str, Any]) -> bool:
    """Return whether a text is the key or value at a path, its type, or the table that lacks it.

    Args:
        part: a part of a spec.
        path: the dotted path of the problem.
        document: the parsed text.
    """
    keys = path.split(".") if path else []
    if is_swept(part, path.removeprefix("sweep."), document.get("sweep", {})):
        return True
    if keys[:1] != ["tune"] and is_swept(part, path, document.get("tune", {}).get("space", {})):
        return True
    keys = _joined(document, keys)
    while keys and _at(document, keys) is NOTHING:
        keys.pop()  # missing: then the innermost table around it
    if not keys:
        return not part
    value = _at(document, keys)
    return is_key(part, keys[-1]) or _means(part, value) or _is_type(part, value)


def is_swept(part: str, path: str, section: dict[str, Any]) -> bool:
    """Return whether a text is a value that a section gives a key, or the key in the section."""
    values = section.get(path)
    if isinstance(values, dict):  # the ends of a range
        values = list(values.values())
    if isinstance(values, list) and any(_means(part, each) for each in values):
        return True
    return path in section and is_key(part, path)


def _joined(document: Any, keys: list[str]) -> list[str]:
    """Return the keys with those joined that the document has as one, in quotation marks."""
    if not keys or not isinstance(document, dict):
        return keys
    for count in range(len(keys), 1, -1):
        key = ".".join(keys[:count])
        if key in document:
            return [key, *_joined(document[key], keys[count:])]
    return [keys[0], *_joined(document.get(keys[0]), keys[1:])]


def _at(document: Any, keys: list[str]) -> Any:
    for key in keys:
        try:
            document = document[int(key) if isinstance(document, list) else key]
        except (KeyError, IndexError, TypeError, ValueError):
            return NOTHING
    return document


def is_key(part: str, key: str) -> bool:
    """Return whether a text is a key, or a header that ends in it."""
    header = part.strip("[]")
    if part.startswith("[") and _keys(header)[-1:] == [key]:
        return True
    return _keys(part) == [key]


def _keys(text: str) -> list[str]:
    """Return the parts of a TOML key, e.g. of `a."b"`; none if it is not a key."""
    try:
        table: Any = tomllib.loads(f"{text} = 1")
    except tomllib.TOMLDecodeError:
        return []
    keys = []
    while isinstance(table, dict):
        ((key, table),) = table.items()
        keys.append(key)
    return keys


def _is_type(part: str, value: Any) -> bool:
    return isinstance(value, dict) and "type" in value and _means(part, value["type"])


def _means(part: str, value: Any) -> bool:
    return any(repr(each) == repr(value) for each in _values(part))


def _values(part: str) -> list[Any]:
    """Return the values that a text has in TOML and in JSON."""
    found = []
    for read in (lambda: tomllib.loads(f"x = {part}")["x"], lambda: json.loads(part)):
        try:
            found.append(read())
        except ValueError:
            continue
    return found
