"""A number set in a spec file, whose comments and formatting are kept."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from declnet.contracts.plain_values import copied
from declnet.errors import KeyPath, dotted
from declnet.spec.document.source_map import Source, SourceMap

BARE = re.compile(r"[A-Za-z0-9_-]+")
"""A TOML key that needs no quotes."""


def with_number(source: Source, path: KeyPath, number: float) -> str:
    """Return the text of a valid file with a number at a key, which is added if it is missing.

    Args:
        path: the key, in tables only. If a name is written where the key needs a table, such as
            `optimizer = "adam"`, the name becomes a table with this type.

    Raises:
        ValueError: the key cannot be set without reformatting the file.
    """
    document = _parsed(source, source.text)
    text = _edited(source, document, path, number_literal(number))
    try:
        is_right = _parsed(source, text) == _expected(document, path, number)
    except (ValueError, TypeError):  # no longer valid; or a list where a table must be
        is_right = False
    if not is_right:
        raise ValueError(f"{dotted(path)} is written in a form that cannot be edited")
    return text


def number_literal(number: float, digits: int | None = None) -> str:
    """Return a float as both TOML and JSON write it, e.g. `0.02`, `1.0` or `1e-6`.

    Args:
        digits: significant digits to round to; None for all.
    """
    number = number if digits is None else float(f"{number:.{digits}g}")
    mantissa, e, exponent = repr(float(number)).partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def _parsed(source: Source, text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text) if source.syntax == "json" else tomllib.loads(text)
    return document


def _expected(document: dict[str, Any], path: KeyPath, number: float) -> dict[str, Any]:
    # `declnet --help` imports this module
    from declnet.spec.document.overrides import apply_override, override_of

    changed = SourceMap(copied(document))
    apply_override(changed, override_of(dotted(path), number))
    return changed.document


def _edited(source: Source, document: dict[str, Any], path: KeyPath, number: str) -> str:
    text, depth = source.text, 0
    value: Any = document
    while depth < len(path) and isinstance(value, dict) and path[depth] in value:
        value, depth = value[path[depth]], depth + 1
    spot, is_json = source.positions.spot(path[:depth]), source.syntax == "json"
    if spot is None:
        return text
    (start, end), rest = spot.value, path[depth:]
    if not rest:
        return f"{text[:start]}{number}{text[end:]}"
    if isinstance(value, str):
        name = text[start:end]
        table = f'{{ "type": {name} }}' if is_json else f"{{ type = {name} }}"
        pair = _json_pair(rest, number) if is_json else _toml_pair(rest, number)
        return f"{text[:start]}{table[:-2]}, {pair} }}{text[end:]}"
    if is_json:
        return _added_to_object(text, text.rindex("}", start, end), _json_pair(rest, number))
    if not depth:
        return _added_section(text, path, number)
    return _added_to_table(text, start, end, _toml_pair(rest, number))


def _added_to_table(text: str, start: int, end: int, pair: str) -> str:
    """Return a TOML text with a pair in a table, whose header, braces or key are at a range."""
    if text[start] == "{":
        last = len(text[: end - 1].rstrip())
        comma = "" if last == start + 1 else ","
        return f"{text[:last]}{comma} {pair}{text[last:]}"
    if text[start] == "[":
        stop = text.find("\n", end)
        stop = len(text) if stop < 0 else stop - (text[stop - 1] == "\r")
        return f"{text[:stop]}{_newline(text)}{pair}{text[stop:]}"
    line = text.rfind("\n", 0, start) + 1  # a table that is part of longer keys
    return f"{text[:line]}{text[line:end]}.{pair}{_newline(text)}{text[line:]}"


def _added_to_object(text: str, brace: int, pair: str) -> str:
    """Return a JSON text with a pair before a closing brace, on a separate line if others are."""
    last = len(text[:brace].rstrip())
    if text[last - 1] == "{":
        return f"{text[:last]} {pair} {text[brace:]}"
    if "\n" not in text[last:brace]:
        return f"{text[:last]}, {pair}{text[last:]}"
    line = text.rfind("\n", 0, last) + 1
    indent = text[line : line + len(text[line:]) - len(text[line:].lstrip())]
    return f"{text[:last]},{_newline(text)}{indent}{pair}{text[last:]}"


def _added_section(text: str, path: KeyPath, number: str) -> str:
    newline = _newline(text)
    before = "" if not text or text.endswith("\n") else newline
    header = ".".join(map(_toml_key, path[:-1]))
    pair = _toml_pair(path[-1:], number)
    return f"{text}{before}{newline}[{header}]{newline}{pair}{newline}"


def _json_pair(rest: KeyPath, number: str) -> str:
    key, *below = rest
    value = f"{{ {_json_pair(tuple(below), number)} }}" if below else number
    return f"{json.dumps(key)}: {value}"


def _toml_pair(rest: KeyPath, number: str) -> str:
    return f"{'.'.join(map(_toml_key, rest))} = {number}"


def _toml_key(part: str | int) -> str:
    text = str(part)
    return text if BARE.fullmatch(text) else json.dumps(text)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
