"""Composes a spec from its file, the files that it extends, and overrides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from declnet.components.located_string import with_folder
from declnet.errors import KeyPath, Problem, SpecError
from declnet.spec.document import Document, read_document
from declnet.spec.file_names import hint_for_missing
from declnet.spec.merging import merged
from declnet.spec.override import Override
from declnet.spec.overrides import override
from declnet.spec.source import Source
from declnet.spec.upgrades import Syntax, missing_version, upgraded
from declnet.spec.written import Origin, Written

EXTENDS = "extends"
_APART = "move what they share into a file that extends none of them"
SCHEMA = "$schema"
"""A key for editors: where the JSON Schema of a JSON file is."""


def compose(path: Path, overrides: Sequence[Override] = ()) -> Written:
    """Reads a spec file with all that it extends, and applies overrides.

    What is wrong with single keys of the files (one stands twice, a base is missing) is in the
    result's `problems`, so that the rest can be checked too.

    Raises:
        SpecError: a file that must be read cannot be.
    """
    written = _read(path, str(path), (), path.absolute().parent)
    if not written.incomplete:
        syntax: Syntax = "json" if path.suffix.lower() == ".json" else "toml"
        written.problems += missing_version(written.document, syntax)
    return override(written, overrides)


def _read(path: Path, name: str, above: tuple[Path, ...], home: Path) -> Written:
    """A file laid over its bases.

    Args:
        path: the file.
        name: what messages call it.
        above: the files that extend it.
        home: the folder that paths in the result are relative to unless they say otherwise.
    """
    read = read_document(path)
    source = Source(name, read.source.text, read.source.syntax)
    tables, problems = upgraded(read.tables, syntax=source.syntax)
    tables = {key: value for key, value in tables.items() if key not in (EXTENDS, SCHEMA)}
    folder = path.absolute().parent
    own = Written(tables if folder == home else with_folder(tables, folder), Origin(source))
    own.problems = [*read.problems, *own.located(problems)]
    bases, found = _bases(read, source, path, (*above, _followed(path)), home)
    result = Written({}, Origin(source), found, incomplete=bool(found))
    for base in (*bases, own):
        result.document, result.origin = merged(
            result.document, result.origin, base.document, base.origin
        )
        result.problems += base.problems
        result.incomplete |= base.incomplete
    return result


def _bases(
    read: Document, source: Source, path: Path, above: tuple[Path, ...], home: Path
) -> tuple[list[Written], list[Problem]]:
    """The documents that a file extends, and what is wrong with its key `extends`."""
    if EXTENDS not in read.tables:
        return [], []
    given: Any = read.tables[EXTENDS]
    names = given if isinstance(given, list) else [given]
    bases: list[Written] = []
    problems: list[Problem] = []
    outline = Written(read.tables, Origin(source))
    for number, name in enumerate(names):
        key: KeyPath = (EXTENDS, number) if isinstance(given, list) else (EXTENDS,)
        place = outline.place_of(key)
        if not isinstance(name, str):
            message = '"extends" must be the name of a file, or a list of such names'
            problems.append(Problem(key, message, None, "E006", place=place))
            continue
        base = path.parent / name
        if _followed(base) in above:
            circle = " extends ".join(each.name for each in (*_circle(above, base), base))
            message = f"files extend each other in a circle: {circle}"
            problems.append(Problem(key, message, _APART, "E006", place=place))
            continue
        try:
            bases.append(_read(base, str(base), above, home))
        except SpecError as error:
            found = error.problems[0]
            if found.code == "E001" and found.place is not None and not found.place.text:
                message = f"{base}: {found.message}"
                hint = hint_for_missing(base, besides={each.name for each in above})
                problems.append(Problem(key, message, hint, "E006", place=place))
            else:
                problems += error.problems
    return bases, problems


def _circle(above: tuple[Path, ...], base: Path) -> tuple[Path, ...]:
    return above[above.index(_followed(base)) :]


def _followed(path: Path) -> Path:
    """The file itself, whatever links lead to it."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # links in a circle, a null byte
        return path.absolute()  # reading it will tell
