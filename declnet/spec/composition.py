"""Composes a spec from its file, the files that it extends, and overrides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from declnet.components.located_string import with_folder
from declnet.errors import Diagnostic, KeyPath, SpecError
from declnet.spec.document import Document, read_document
from declnet.spec.file_names import hint_for_missing
from declnet.spec.merging import merged
from declnet.spec.override import Override
from declnet.spec.overrides import override
from declnet.spec.upgrades import Syntax, missing_version, upgraded
from declnet.spec.written import Origin, Written

EXTENDS = "extends"
SCHEMA = "$schema"
"""A key for editors: where the JSON Schema of a JSON file is."""

_APART = "move what they share into a file that extends none of them"

LONGEST_CHAIN = 50
"""Files that extend one another; more are a mistake, or meant to do harm."""


def compose(path: Path, overrides: Sequence[Override] = ()) -> Written:
    """Reads a spec file with all that it extends, and applies overrides.

    What is wrong with single keys of the files (one stands twice, a base is missing) is in the
    result's `problems`, so that the rest can be checked too.

    Raises:
        SpecError: a file that must be read cannot be.
    """
    written = _Composition(path.absolute().parent).read(path, ())
    if not written.incomplete:
        syntax: Syntax = "json" if path.suffix.lower() == ".json" else "toml"
        written.problems += missing_version(written.document, syntax)
    return override(written, overrides)


class _Composition:
    """Reads files, each once.

    Args:
        home: the folder that paths in the result are relative to unless they say otherwise.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._known: dict[Path, Written] = {}

    def read(self, path: Path, above: tuple[Path, ...]) -> Written:
        """A file laid over its bases; `above` are the files that extend it."""
        read = read_document(path)
        source = read.source
        tables, problems = upgraded(read.tables, syntax=source.syntax)
        tables = {key: value for key, value in tables.items() if key not in (EXTENDS, SCHEMA)}
        folder = path.absolute().parent
        located = tables if folder == self._home else with_folder(tables, folder)
        own = Written(located, Origin(source))
        own.problems = [*read.problems, *own.located(problems)]
        bases, found = self._bases(read, path, (*above, _followed(path)))
        result = Written({}, Origin(source), found, incomplete=bool(found))
        for base in (*bases, own):
            result.document, result.origin = merged(
                result.document, result.origin, base.document, base.origin
            )
            result.problems += base.problems
            result.incomplete |= base.incomplete
        return result

    def _bases(
        self, read: Document, path: Path, above: tuple[Path, ...]
    ) -> tuple[list[Written], list[Diagnostic]]:
        """The documents that a file extends, and what is wrong with its key `extends`."""
        if EXTENDS not in read.tables:
            return [], []
        given: Any = read.tables[EXTENDS]
        bases: list[Written] = []
        problems: list[Diagnostic] = []
        context = Written(read.tables, Origin(read.source))
        for number, name in enumerate(given if isinstance(given, list) else [given]):
            key: KeyPath = (EXTENDS, number) if isinstance(given, list) else (EXTENDS,)
            base = self._base(name, path, above)
            if isinstance(base, Written):
                bases.append(base)
            else:
                place = context.place_of(key)
                problems += [
                    each if each.place is not None else replace(each, path=key, place=place)
                    for each in base
                ]
        return bases, problems

    def _base(
        self, name: Any, path: Path, above: tuple[Path, ...]
    ) -> Written | tuple[Diagnostic, ...]:
        """A base, or why there is none; a problem without a place is one of the key `extends`."""
        if not isinstance(name, str):
            message = '"extends" must be the name of a file, or a list of such names'
            return (Diagnostic(message, None, (), "E006"),)
        base = path.parent / name
        file = _followed(base)
        if file in above:
            files = (*above[above.index(file) :], base)
            circle = " extends ".join(each.name for each in files)
            message = f"files extend each other in a circle: {circle}"
            return (Diagnostic(message, _APART, (), "E006"),)
        if len(above) >= LONGEST_CHAIN:
            message = f"more than {LONGEST_CHAIN} files extend one another"
            return (Diagnostic(message, None, (), "E006"),)
        try:
            if file not in self._known:
                self._known[file] = self.read(base, above)
        except SpecError as error:
            found = error.problems[0]
            if found.code == "E001" and found.place is not None and not found.place.text:
                hint = hint_for_missing(base, besides={each.name for each in above})
                return (Diagnostic(f"{base}: {found.message}", hint, (), "E006"),)
            return error.problems
        return self._known[file]


def _followed(path: Path) -> Path:
    """The file itself, whatever links lead to it."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # links in a circle, a null byte
        return path.absolute()  # reading it will tell
