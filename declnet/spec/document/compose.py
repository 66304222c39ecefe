"""Composition of a spec from its file and the files that it extends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from declnet.contracts.plain_values import copied
from declnet.contracts.strict_model import with_folder
from declnet.errors import Diagnostic, KeyPath, SpecError
from declnet.spec.document.document import Document, read_document
from declnet.spec.document.source_map import Origin, SourceMap
from declnet.spec.document.variables import VARIABLES, names_in
from declnet.spec.shown_values import RELATIVE, hint_for_missing

if TYPE_CHECKING:
    from declnet.spec.document.key_positions import Syntax

FORMAT_VERSION = 1
"""The version of the format that this declnet reads and writes."""

EXTENDS = "extends"
PRESET = "preset"
"""The section with the fields of the preset that a spec extends."""

PRESET_PREFIX = "preset:"
"""How a preset's name begins in `extends`; any other is a file."""

MEMBERS = "members"
SCHEMA = "$schema"
"""A key for editors: the location of the JSON Schema of a JSON file."""

VERSION = "declnet"
LONGEST_CHAIN = 50
"""Maximum length of a chain of files that extend each other."""


@dataclass(eq=False)
class Composed:
    """A document from one or more files, before validation.

    Attributes:
        source_map: the document, and the origin of each value.
        diagnostics: errors in single keys, e.g. duplicates, that do not prevent finding others.
        is_incomplete: whether a file could not be read, so that missing keys may be in it.
        variables_used: the variables used in any of the files, also where another file or an
            override replaces the value.
    """

    source_map: SourceMap
    diagnostics: list[Diagnostic] = field(default_factory=list)
    is_incomplete: bool = False
    variables_used: frozenset[str] = frozenset()


def compose(path: Path) -> Composed:
    """Read a spec file with everything that it extends, except for a preset.

    Raises:
        SpecError: the file itself cannot be read or parsed.
    """
    composed = composed_in(path, path.absolute().parent)
    if VERSION not in composed.source_map.document and not composed.is_incomplete:
        syntax: Syntax = "json" if path.suffix.lower() == ".json" else "toml"
        hint = f"write {_version_key(FORMAT_VERSION, syntax)} at the top"
        message = "the version of the format is missing"
        composed.diagnostics.append(Diagnostic(message, hint, (VERSION,), "E007"))
    return composed


def composed_in(path: Path, home: Path) -> Composed:
    """Read a spec file with everything that it extends.

    A preset, which is below all files, is left under the key `extends`.

    Args:
        path: the file.
        home: the folder that paths in the result are relative to, unless they have their own.

    Raises:
        SpecError: the file itself cannot be read or parsed.
    """
    return _Composition(home).read(path, ())


def composed_from(document: Mapping[str, Any]) -> Composed:
    """Return a copy of a document passed by a program."""
    used = names_in({key: value for key, value in document.items() if key != VARIABLES})
    return Composed(SourceMap(copied(document)), variables_used=frozenset(used))


def names_preset(value: Any) -> TypeGuard[str]:
    """Return whether a value of `extends` is a preset rather than a file."""
    return isinstance(value, str) and value.startswith(PRESET_PREFIX)


class _Composition:
    """A reader of files that reads each file once.

    Args:
        home: the folder that paths in the result are relative to, unless they have their own.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._known: dict[Path, Composed] = {}

    def read(self, path: Path, above: tuple[Path, ...]) -> Composed:
        """Merge a file into its bases; `above` are the files that extend it."""
        read = read_document(path)
        source = read.source
        tables = read.tables
        names = tables.get(EXTENDS)
        presets = [*filter(names_preset, names if isinstance(names, list) else [names])]
        tables = {key: value for key, value in tables.items() if key not in (EXTENDS, SCHEMA)}
        if presets:
            tables[EXTENDS] = presets[0]
        folder = path.absolute().parent
        tables = tables if folder == self._home else with_folder(tables, folder)
        source_map = SourceMap(tables, Origin(source), writers=(source,))
        bases, unread = self._bases(read, path, (*above, _resolved(path)))
        result = Composed(SourceMap({}, Origin(source)), unread, is_incomplete=bool(unread))
        own_errors = [*read.diagnostics, *source_map.locate(_wrong_version(tables, source.syntax))]
        used = frozenset(
            names_in({key: value for key, value in tables.items() if key != VARIABLES})
        )
        for layer in (*bases, Composed(source_map, own_errors, variables_used=used)):
            result.source_map = merged(result.source_map, layer.source_map)
            result.diagnostics += layer.diagnostics
            result.is_incomplete |= layer.is_incomplete
            result.variables_used |= layer.variables_used
        return result

    def _bases(
        self, read: Document, path: Path, above: tuple[Path, ...]
    ) -> tuple[list[Composed], list[Diagnostic]]:
        """Return the bases of a file, and the errors in its key `extends`."""
        names = read.tables.get(EXTENDS, [])
        bases: list[Composed] = []
        errors: list[Diagnostic] = []
        for number, name in enumerate(names if isinstance(names, list) else [names]):
            key: KeyPath = (EXTENDS, number) if isinstance(names, list) else (EXTENDS,)
            try:
                if not names_preset(name):
                    bases.append(self._base(name, path, above))
                elif any(map(names_preset, names[:number] if isinstance(names, list) else ())):
                    raise _wrong_base("a spec cannot extend two presets", "remove one of the two")
            except SpecError as error:
                place = SourceMap(read.tables, Origin(read.source)).place_of(key)
                errors += [
                    problem
                    if problem.place is not None
                    else replace(problem, path=key, place=place)
                    for problem in error.problems
                ]
        return bases, errors

    def _base(self, name: Any, path: Path, above: tuple[Path, ...]) -> Composed:
        """Return a base.

        Raises:
            SpecError: it cannot be read; an error without a place concerns the key `extends`.
        """
        if not isinstance(name, str):
            message = '"extends" must be the name of a file or a preset, or a list of such names'
            raise _wrong_base(message)
        base = path.parent / name
        file = _resolved(base)
        if file in above:
            files = (*above[above.index(file) :], base)
            circle = " extends ".join(path.name for path in files)
            hint = "move what they share into a file that extends none of them"
            raise _wrong_base(f"files extend each other in a circle: {circle}", hint)
        if len(above) >= LONGEST_CHAIN:
            raise _wrong_base(f"more than {LONGEST_CHAIN} files extend one another")
        try:
            if file not in self._known:
                self._known[file] = self.read(base, above)
        except SpecError as error:
            problem = error.problems[0]
            if problem.code != "E001" or problem.place is None or problem.place.text:
                raise
            otherwise = RELATIVE if base.suffix else f'for a preset write "{PRESET_PREFIX}{name}"'
            similar = hint_for_missing(base, otherwise, besides={path.name for path in above})
            raise _wrong_base(f"{base}: {problem.message}", similar) from None
        return self._known[file]


def _wrong_base(message: str, hint: str | None = None) -> SpecError:
    return SpecError([Diagnostic(message, hint, (), "E006")])


def _resolved(path: Path) -> Path:
    """Return the file that a path points to, with links resolved."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # circular links, a null byte
        return path.absolute()  # reading it will report the error


def merged(under: SourceMap, over: SourceMap) -> SourceMap:
    """Merge two documents; `over` takes precedence.

    Tables are merged recursively; anything else, including arrays, is replaced. A table with
    another `type` replaces the old one as a whole, since the old keys do not apply to it. A bare
    name is a table with that type, to which a table without a type adds keys. An old table without
    a type has keys for any.
    """
    before = (writer for writer in under.writers if writer not in over.writers)
    writers = (*before, *over.writers)
    result = SourceMap(dict(under.document), Origin(over.origin.writer), writers=writers)
    result.origin.below.update({key: _below(under, key) for key in under.document})
    for key, value in over.document.items():
        old, origin = under.document.get(key), _below(over, key)
        old_origin = result.origin.below.get(key, origin)
        if isinstance(old, str):
            old, old_origin = {"type": old}, Origin(old_origin.writer)
        if isinstance(value, dict) and isinstance(old, dict) and _has_same_type(old, value):
            inner = merged(SourceMap(old, old_origin), SourceMap(value, origin))
            value, origin = inner.document, inner.origin  # noqa: PLW2901
        result.document[key], result.origin.below[key] = value, origin
    return result


def _below(source_map: SourceMap, key: str) -> Origin:
    return source_map.origin.below.get(key) or Origin(source_map.origin.writer)


def _has_same_type(under: dict[str, Any], over: dict[str, Any]) -> bool:
    return bool("type" not in under or over.get("type", under["type"]) == under["type"])


def _wrong_version(document: Mapping[str, Any], syntax: Syntax) -> list[Diagnostic]:
    """Return the error in a document's version; without one, the first is assumed."""
    version = document.get(VERSION, 1)
    hint = f"write {_version_key(FORMAT_VERSION, syntax)}"
    if isinstance(version, bool) or not isinstance(version, int):
        message = f'"{VERSION}", the version of the format, must be an integer'
    elif version == FORMAT_VERSION:
        return []
    else:
        shown = str(version) if abs(version) < 10**9 else "a very large number"
        message = f"there is no version {shown} of the format"
        if version > FORMAT_VERSION:
            message = f"this is version {shown} of the format; this declnet reads {FORMAT_VERSION}"
            hint = "pip install --upgrade declnet"
    return [Diagnostic(message, hint, (VERSION,), "E007")]


def _version_key(version: int, syntax: Syntax) -> str:
    return f"{VERSION} = {version}" if syntax == "toml" else f'"{VERSION}": {version}'
