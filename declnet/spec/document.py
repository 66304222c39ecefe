"""Reads a TOML or JSON file into a plain document: tables, arrays and scalars."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from declnet.errors import Diagnostic, Place, SpecError
from declnet.spec.nesting import DEEPEST, TOO_DEEP, is_too_deep
from declnet.spec.source import Source


@dataclass(frozen=True, eq=False)
class Document:
    """A file as it was read.

    Attributes:
        tables: what it says.
        source: its text.
        problems: keys that stand twice, of which `tables` has the first.
    """

    tables: dict[str, Any]
    source: Source
    problems: list[Diagnostic] = field(default_factory=list)


def read_document(path: Path) -> Document:
    """Reads a spec file by its suffix, `.toml` or `.json`.

    Raises:
        SpecError: the file is missing, a folder, unreadable, no UTF-8, of another suffix, or
            malformed (with line and column).
    """
    text = _read_text(path)
    if path.suffix.lower() == ".json":
        source = Source(str(path), text, "json")
        document = _parse_json(source)
    else:
        source = Source(str(path), text, "toml")
        document = _parse_toml(source)
    if is_too_deep(document.tables):
        raise _too_deep(source)
    return document


def _read_text(path: Path) -> str:
    if path.suffix.lower() not in (".toml", ".json") and not path.is_dir():
        raise _unreadable(path, "not a spec: its name must end in .toml or .json")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        from declnet.spec.file_names import hint_for_missing

        raise _unreadable(path, "there is no such file", hint_for_missing(path, None)) from None
    except IsADirectoryError:
        raise _unreadable(path, "this is a folder; name the spec file in it") from None
    except UnicodeDecodeError as error:
        raise _not_utf_8(path, error) from None
    except (OSError, ValueError) as error:  # ValueError: a name with a null byte
        cause = error.strerror if isinstance(error, OSError) else error
        raise _unreadable(path, f"cannot be read: {cause}") from None


def _parse_toml(source: Source) -> Document:
    text = source.text
    try:
        return Document(tomllib.loads(text), source)
    except RecursionError:
        raise _too_deep(source) from None
    except ValueError as error:  # TOMLDecodeError, and what int() says of too many digits
        cause = str(error)
    # Imported here, since a right spec needs none of it.
    from declnet.spec.malformed.toml_faults import malformed_toml
    from declnet.spec.positions.duplicate import blank_out

    if source.positions.duplicates:
        text = blank_out(text, source.positions.duplicates)
        try:
            return Document(tomllib.loads(text), source, _duplicates(source))
        except ValueError as error:  # malformed besides: then that is what must be told
            cause = str(error)
    raise SpecError([malformed_toml(source, text, cause)])


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
    except RecursionError:
        raise _too_deep(source) from None
    except ValueError as error:  # JSONDecodeError, and what int() says of too many digits
        from declnet.spec.malformed.json_faults import malformed_json

        raise SpecError([malformed_json(source, error)]) from None
    if not isinstance(tables, dict):
        message = "a spec is a JSON object, { … }"
        raise SpecError([Diagnostic(message, None, (), "E002", place=source.place_at(1, 1))])
    return Document(tables, source, _duplicates(source) if repeated else [])


def _duplicates(source: Source) -> list[Diagnostic]:
    problems = []
    for each in source.positions.duplicates:
        place = source.place(each.second)
        section = place.text[place.column - 1] == "["
        mend = "put them together" if section else "remove one of the two"
        line = f"on line {each.first.line}" if each.first.line != place.line else "in this line"
        message, hint = f'"{each.path[-1]}" stands twice', f"it stands {line} already; {mend}"
        problems.append(Diagnostic(message, hint, each.path, "E003", focus="key", place=place))
    return problems


def _too_deep(source: Source) -> SpecError:
    span = source.positions.too_deep(DEEPEST - 1)  # the document itself counts too
    place = source.place(span) if span is not None else source.place_at(1, 1)
    return SpecError([Diagnostic(TOO_DEEP, None, (), "E004", place=place)])


def _unreadable(path: Path, message: str, hint: str | None = None) -> SpecError:
    place = Place(str(path), 1, 1, 1, 1, "")
    return SpecError([Diagnostic(message, hint, (), "E001", place=place)])


def _not_utf_8(path: Path, error: UnicodeDecodeError) -> SpecError:
    before = error.object[: error.start].decode("utf-8", "replace")
    line = before.count("\n") + 1
    column = len(before) - before.rfind("\n")
    rest = error.object[error.start :].split(b"\n", maxsplit=1)[0].decode("utf-8", "replace")
    text = before[before.rfind("\n") + 1 :] + rest.rstrip("\r")
    message = f"not UTF-8 text: byte {error.start} is {error.object[error.start]:#x}"
    place = Place(str(path), line, column, line, column + 1, text)
    return SpecError([Diagnostic(message, "save the file as UTF-8", (), "E001", place=place)])
