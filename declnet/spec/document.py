"""Reads a TOML or JSON file into a plain document: tables, arrays and scalars."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from declnet.errors import Problem, SpecError


def read_document(path: Path) -> dict[str, Any]:
    """Reads a spec file by its suffix, `.toml` or `.json`.

    Raises:
        SpecError: the file is missing, a folder, unreadable, no UTF-8, of another suffix, or
            malformed (with line and column).
    """
    text = _read_text(path)
    if path.suffix.lower() == ".json":
        return _parse_json(text, path)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise _failure(path, "malformed TOML: nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, and what int() says of too many digits
        raise _failure(path, f"malformed TOML: {error}") from None


def _read_text(path: Path) -> str:
    if path.suffix.lower() not in (".toml", ".json") and not path.is_dir():
        raise _failure(path, "not a spec: its name must end in .toml or .json")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise _failure(path, "there is no such file") from None
    except IsADirectoryError:
        raise _failure(path, "this is a folder; name the spec file in it") from None
    except UnicodeDecodeError as error:
        raise _failure(path, f"not UTF-8 text: byte {error.start} is {error.reason}") from None
    except OSError as error:
        raise _failure(path, f"cannot be read: {error.strerror}") from None


def _parse_json(text: str, path: Path) -> dict[str, Any]:
    def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise _failure(path, f'malformed JSON: the key "{twice}" stands twice in one object')
        return table

    try:
        document = json.loads(text, object_pairs_hook=without_duplicates)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _failure(path, f"malformed JSON: {error.msg} (at {where})") from None
    except RecursionError:
        raise _failure(path, "malformed JSON: nested too deeply") from None
    except ValueError as error:
        raise _failure(path, f"malformed JSON: {error}") from None
    if not isinstance(document, dict):
        raise _failure(path, "a spec is a JSON object, { … }")
    return document


def _failure(path: Path, message: str) -> SpecError:
    return SpecError([Problem((), message)], source=str(path))
