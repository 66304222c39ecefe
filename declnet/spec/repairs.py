"""Repairs of names with only one possible meaning, so that everything else can be validated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from declnet.errors import Diagnostic, KeyPath, Place
from declnet.spec.document.source_map import Focus, SourceMap, Writer, value_at


@dataclass(frozen=True)
class Repair:
    """The only possible meaning of an unknown key or type, or of a key of an earlier version.

    Attributes:
        path: the key, or the value that names the type, as written.
        key: where the key belongs, with its right name; None for a type, and for a key without
            effect.
        type: the installed type; None for a key.
        is_earlier: whether it is a key of an earlier version, which does not make a spec invalid.
    """

    path: KeyPath
    key: KeyPath | None = None
    type: str | None = None
    is_earlier: bool = False

    def apply(self, document: Any, *, replaces: bool) -> Any:
        """Return a repaired copy of a document, or None if the place is taken or not a table.

        Args:
            document: the document.
            replaces: whether the key's value takes precedence over that of the right key.
        """
        table = value_at(document, self.path[:-1])
        if self.type is not None:
            renamed = {self.path[-1]: self.type}
            is_name = isinstance(value_at(document, self.path), str)
            return _changed(document, self.path[:-1], renamed) if is_name else None
        if not isinstance(table, dict):
            return None
        rest = {key: value for key, value in table.items() if key != self.path[-1]}
        without = _changed(document, self.path[:-1], rest, whole=True)
        if self.key is None:
            return without
        *outer, name = self.key
        target = value_at(document, tuple(outer))
        if not isinstance(target, dict):
            return None
        can_replace = replaces and (self.is_earlier or not isinstance(target.get(name), dict))
        if name in target and not can_replace:
            return without if self.is_earlier else None
        return _changed(without, tuple(outer), {name: table[self.path[-1]]})


def _changed(
    value: Any, path: KeyPath, items: Mapping[str | int, Any], *, whole: bool = False
) -> Any:
    """Return a copy of a document with other items in the table or list at a path."""
    if path:
        key, rest = path[0], path[1:]
        return _changed(value, (), {key: _changed(value[key], rest, items, whole=whole)})
    if isinstance(value, dict):
        return dict(items) if whole else {**value, **items}
    return [items.get(index, item) for index, item in enumerate(value)]


@dataclass(eq=False)
class RepairedMap(SourceMap):
    """The locations of values in a repaired document, which are those before the repairs.

    Attributes:
        document: the repaired document; paths lead through it unless a method says otherwise.
        before: the document before, with its locations.
        moved: where each repaired key was before.
    """

    before: SourceMap = field(default_factory=SourceMap)
    moved: Mapping[KeyPath, KeyPath] = field(default_factory=dict)

    def path_before(self, path: KeyPath) -> KeyPath:
        """Return the path of the same value in the document before."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.moved:
                return (*self.moved[path[:length]], *path[length:])
        return path

    def writer_of(self, path: KeyPath) -> Writer | None:
        """Return the writer of the value at a path, or of the innermost value around it."""
        return self.before.writer_of(self.path_before(path))

    def place_of(self, path: KeyPath, focus: Focus = "value") -> Place | None:
        """Return where a path is written, or else where the innermost value around it is."""
        return self.before.place_of(self.path_before(path), focus)

    def exact_place(self, path: KeyPath, focus: Focus = "value") -> Place | None:
        """Return where exactly this path is written, or None if it is a default."""
        return self.before.exact_place(self.path_before(path), focus)

    def locate(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Return diagnostics with their paths and places as written, in the order of the files."""
        return self.before.locate(
            diagnostic
            if diagnostic.place is not None
            else replace(diagnostic, path=self.path_before(diagnostic.path))
            for diagnostic in diagnostics
        )


def repaired(source_map: SourceMap, repairs: Sequence[Repair]) -> tuple[RepairedMap, set[Repair]]:
    """Return a repaired document, and the repairs that were possible.

    A key of an earlier version is left out if the present one is written too, unless a file that
    takes precedence, an override or a sweep has the earlier one.
    """
    document, moved, done = source_map.document, {}, set()
    for repair in repairs:
        key = repair.key or repair.path
        replaces = source_map.precedence(repair.path) > source_map.precedence(key)
        is_free = value_at(document, key) is None
        changed = repair.apply(document, replaces=replaces)
        if changed is not None:
            document = changed
            done.add(repair)
            if repair.key is not None and (is_free or replaces):
                moved[repair.key] = repair.path
    changed_map = RepairedMap(
        document,
        source_map.origin,
        source_map,
        moved,
        warnings=source_map.warnings,
        writers=source_map.writers,
    )
    return changed_map, done
