"""Reading of TOML and JSON files into tables, lists and scalars, within the limits of a spec."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from declnet.contracts.plain_values import leaves, mapped
from declnet.errors import Diagnostic, KeyPath, Place, SpecError, dotted
from declnet.spec.document.source_map import Source

DEEPEST = 64
"""Maximum nesting of tables and lists; a valid spec has fewer than ten levels."""

LARGEST_FILE = 2**20
"""Maximum size of a file in bytes; 20,000 layers in TOML take about 700,000."""

LISTS_OF_TABLES = (("model", "layers"), ("optimizer", "groups"), ("analyses",))
"""Keys for which a section in single brackets is a mistake."""

TOO_DEEP = f"nested too deeply: more than {DEEPEST} levels of tables and lists"

LARGEST = 2**63 - 1
"""The largest integer (64 bits, as in TOML); its negative is the smallest."""


@dataclass(frozen=True, eq=False)
class Document:
    """The content of a file.

    Attributes:
        source: the text of the file.
        diagnostics: duplicate keys; `tables` has the first value.
    """

    tables: dict[str, Any]
    source: Source
    diagnostics: list[Diagnostic] = field(default_factory=list)


def read_document(path: Path) -> Document:
    """Read a spec file, TOML or JSON by its suffix.

    Raises:
        SpecError: the file cannot be read, is not UTF-8 text, has another suffix, is malformed, or
            is nested too deeply.
    """
    text = _read_text(path)
    is_json = path.suffix.lower() == ".json"
    source = Source(str(path), text, "json" if is_json else "toml")
    deepest_key = None if is_json else too_deep_key(text)
    if deepest_key is not None:
        raise _too_deep(source.place(*deepest_key))
    try:
        document = _parse_json(source) if is_json else _parse_toml(source)
    except RecursionError:
        from declnet.spec.document.key_positions import first_deeper_bracket

        outer = 0 if is_json else 1  # the document itself counts as a table
        bracket = first_deeper_bracket(text, source.syntax, DEEPEST - outer)
        raise _too_deep(source.place(*bracket or (0, 1))) from None
    path_too_deep = too_deep_path(document.tables)
    if path_too_deep is not None:
        raise _too_deep(_opening(source, path_too_deep))
    return document


def _read_text(path: Path) -> str:
    try:
        if path.suffix.lower() not in (".toml", ".json") and not path.is_dir():
            raise _unreadable(path, "not a spec: its name must end in .toml or .json")
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            hint = "put data into separate files, and name them in [data]"
            raise _unreadable(path, f"too large for a spec: more than {LARGEST_FILE:,} bytes", hint)
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        from declnet.spec.shown_values import hint_for_missing

        raise _unreadable(path, "there is no such file", hint_for_missing(path, None)) from None
    except IsADirectoryError:
        raise _unreadable(path, "this is a folder; name the spec file in it") from None
    except UnicodeDecodeError as error:
        before, start = error.object[: error.start].decode("utf-8", "replace"), error.start
        source = Source(str(path), before + error.object[start:].decode("utf-8", "replace"), "toml")
        message = f"not UTF-8 text: byte {start} is {error.object[start]:#x}"
        place = source.place(len(before), len(before) + 1)
        problem = Diagnostic(message, "save the file as UTF-8", (), "E001", place=place)
        raise SpecError([problem]) from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        cause = error.strerror if isinstance(error, OSError) else error
        raise _unreadable(path, f"cannot be read: {cause}") from None


def _unreadable(path: Path, message: str, hint: str | None = None) -> SpecError:
    place = Place(str(path), 1, 1, 1, 1, "")
    return SpecError([Diagnostic(message, hint, (), "E001", place=place)])


def _parse_toml(source: Source) -> Document:
    text = source.text
    try:
        return Document(tomllib.loads(text), source)
    except ValueError as error:  # TOMLDecodeError, or from int() for too many digits
        cause = error
    # Imported here, since valid specs do not need it.
    from declnet.spec.document.key_positions import blank_out
    from declnet.spec.document.malformed import malformed

    if source.positions.duplicates:
        text = blank_out(text, source.positions.duplicates)
        try:
            return Document(tomllib.loads(text), source, _duplicates(source))
        except ValueError as error:  # also malformed: report only that
            cause = error
    raise SpecError([malformed(source, cause, text)])


def _parse_json(source: Source) -> Document:
    repeated = False

    def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        table: dict[str, Any] = {}
        for key, value in pairs:
            table.setdefault(key, value)
        repeated = repeated or len(table) < len(pairs)
        return table

    try:
        tables = json.loads(source.text, object_pairs_hook=without_duplicates)
    except ValueError as error:  # JSONDecodeError, or from int() for too many digits
        from declnet.spec.document.malformed import malformed

        raise SpecError([malformed(source, error)]) from None
    if not isinstance(tables, dict):
        message = "a spec is a JSON object, { … }"
        raise SpecError([Diagnostic(message, None, (), "E002", place=source.place(0, 1))])
    return Document(tables, source, _duplicates(source) if repeated else [])


def _duplicates(source: Source) -> list[Diagnostic]:
    problems = []
    for duplicate in source.positions.duplicates:
        first, second = source.place(*duplicate.first), source.place(*duplicate.second)
        is_section = source.text[duplicate.second[0]] == "["
        fix = "merge the two" if is_section else "remove one of the two"
        if is_section and duplicate.path in LISTS_OF_TABLES:
            fix = f"for a list of tables write [[{dotted(duplicate.path)}]]"
        line = f"on line {first.line}" if first.line != second.line else "on this line"
        message, hint = (
            f'duplicate key "{duplicate.path[-1]}"',
            f"it is already defined {line}; {fix}",
        )
        problems.append(
            Diagnostic(message, hint, duplicate.path, "E003", focus="key", place=second)
        )
    return problems


def too_deep_path(document: Any) -> KeyPath | None:
    """Return the path of a table or list inside `DEEPEST` others, without recursion."""
    level: list[tuple[KeyPath, Any]] = [((), document)]
    for _ in range(DEEPEST):
        level = [((*path, key), item) for path, value in level for key, item in _items(value)]
    return next((path for path, value in level if isinstance(value, Mapping | list | tuple)), None)


def _items(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return value.items()
    return enumerate(value) if isinstance(value, list | tuple) else ()


def _opening(source: Source, path: KeyPath) -> Place:
    """Return the place of a value's opening bracket, or of the key that makes a table."""
    spot = source.positions.spot(path)
    if spot is None:
        return source.place(0, 1)
    start, _ = spot.value
    if spot.key is None or start > spot.key[0]:
        return source.place(start, start + 1)
    return source.place(*spot.key)


_KEY_PART = r"""(?:[\w-]++|"(?:[^"\\\n]|\\[^\n])*+"|'[^'\n]*+')"""
_PART = re.compile(_KEY_PART)
_TOML_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:"""|\\?\Z)'
    r"|'''(?:[^']|'(?!''))*+(?:'''|\Z)"
    r"|#[^\n]*+"
    rf"|(?P<key>{_KEY_PART}(?:[ \t]*+\.[ \t]*+{_KEY_PART})*+)"
    r"|[\"'][^\n]*+",
    re.DOTALL,
)
"""A multi-line string, a comment, a dotted key or scalar, or a string that is not closed.

Each matches whatever follows, so that the whole text is searched in one pass.
"""


def too_deep_key(text: str) -> tuple[int, int] | None:
    """Return the last allowed part of the first TOML key of more than `DEEPEST`, without parsing.

    `tomllib` takes quadratic time and memory for the parts of a key.
    """
    if all(line.count(".") < DEEPEST for line in text.split("\n")):
        return None
    for key in _TOML_TOKEN.finditer(text):
        if key["key"] is not None and key["key"].count(".") >= DEEPEST:
            parts = [part.span() for part in _PART.finditer(text, *key.span())]
            if len(parts) > DEEPEST:
                return parts[DEEPEST - 1]
    return None


def _too_deep(place: Place) -> SpecError:
    return SpecError([Diagnostic(TOO_DEEP, None, (), "E004", place=place)])


def large_numbers(document: Any) -> list[Diagnostic]:
    """Return a diagnostic for each integer larger than 64 bits."""
    message = f"integers must be between -{LARGEST} and {LARGEST}"
    large = (path for path, scalar in leaves(document) if _is_large(scalar))
    return [Diagnostic(message, None, path, "E013") for path in large]


def without_large_numbers(value: Any) -> Any:
    """Return the document with integers larger than 64 bits replaced by None."""
    return mapped(value, lambda scalar: None if _is_large(scalar) else scalar)


def _is_large(value: Any) -> bool:
    return isinstance(value, int) and abs(value) > LARGEST
