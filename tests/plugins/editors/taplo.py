"""The real Taplo, as used by editors and CI, and its completions.

Taplo 0.9 completes only as a language server, so this module repeats what its completion does:
it ignores conditions and values, and follows all branches of a union and the keys of subtables.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Mark(NamedTuple):
    """The place of an error marked by Taplo, and its message."""

    file: str
    line: int
    message: str


def check(*files: Path, schema: Path | None = None) -> list[Mark]:
    """Return the errors that `taplo check` finds.

    Args:
        files: TOML files with different names.
        schema: the schema to use instead of those named in the files.
    """
    options = [] if schema is None else ["--schema", schema.as_uri()]
    done = subprocess.run(
        [_taplo(), "check", "--colors", "never", "--no-auto-config", *options, *map(str, files)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    marks = re.findall(r"^error: (.*)\n\s*┌─ (.*):(\d+):\d+$", done.stderr, re.MULTILINE)
    assert done.returncode == (1 if marks else 0), done.stderr
    return [Mark(Path(file).name, int(line), message) for message, file, line in marks]


def _taplo() -> str:
    """Return the path of Taplo: next to the interpreter, where pip installs it, or on PATH."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    program = shutil.which("taplo", path=places)
    assert program is not None, "taplo is missing: run nox -s dev"
    return program


DEPTH = 6
"""Nesting depth of offered keys; Taplo's setting maxKeys is 5 by default."""

Schema = dict[str, Any]


def offered_keys(document: Schema, *path: str | int) -> list[tuple[str, str]]:
    """Return the dotted keys that Taplo offers in a table, with their descriptions."""
    schemas = _gathered(document, path)
    return [(key, schema.get("description", "")) for key, schema in schemas if key]


def offered_values(document: Schema, *path: str | int) -> list[Any]:
    """Return the values that Taplo offers for a key; a table of any content is `{}`."""
    schemas: list[Any] = []
    for _, schema in _gathered(document, path):
        if "enum" in schema:
            schemas += schema["enum"]
        elif "const" in schema:
            schemas.append(schema["const"])
        else:
            schemas += [schema["default"]] if "default" in schema else []
            schemas += _EMPTY.get(schema.get("type", "object"), [])
    return schemas


_EMPTY: dict[str, list[Any]] = {
    "boolean": [True, False],
    "string": [""],
    "array": [[]],
    "object": [{}],
}


def _gathered(document: Schema, path: tuple[str | int, ...]) -> list[tuple[str, Schema]]:
    """Return the schemas at and below a path, with the keys that lead to them."""
    below = (
        inner for schema in _at(document, document, path) for inner in _below(document, schema)
    )
    return list({(key, json.dumps(schema)): (key, schema) for key, schema in below}.values())


def _at(document: Schema, schema: Any, path: tuple[str | int, ...]) -> Iterator[Schema]:
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        yield from _at(document, _resolved(document, schema), path)
        return
    for word in ("oneOf", "anyOf", "allOf"):
        for branch in schema.get(word, ()):
            yield from _at(document, branch, path)
    if not path:
        if "allOf" not in schema:
            yield schema
        return
    key, rest = path[0], path[1:]
    if isinstance(key, int):
        yield from _at(document, schema.get("items"), rest)
        return
    yield from _at(document, schema.get("properties", {}).get(key), rest)
    yield from _at(document, schema.get("additionalProperties"), rest)
    for pattern, value in schema.get("patternProperties", {}).items():
        if re.search(pattern, key):
            yield from _at(document, value, rest)


def _below(
    document: Schema, schema: Any, key: str = "", depth: int = DEPTH
) -> Iterator[tuple[str, Schema]]:
    if not isinstance(schema, dict) or depth == 0:
        return
    if "$ref" in schema:
        yield from _below(document, _resolved(document, schema), key, depth)
        return
    for word in ("oneOf", "anyOf"):
        for branch in schema.get(word, ()):
            yield from _below(document, branch, key, depth)
    unions = sum(word in schema for word in ("allOf", "oneOf", "anyOf"))
    assert not (unions == 1 and "allOf" in schema), "Taplo would never end"
    if unions != 1 or "properties" in schema:
        yield key, schema
    for name, value in schema.get("properties", {}).items():
        yield from _below(document, value, f"{key}.{name}".strip("."), depth - 1)


def _resolved(document: Schema, schema: Schema) -> Schema:
    definition: Schema = document["definitions"][schema["$ref"].removeprefix("#/definitions/")]
    return definition
