"""A document with the knowledge of who wrote what: several files and overrides in one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from declnet.errors import Diagnostic, KeyPath, Place
from declnet.spec.override import Override
from declnet.spec.positions.span import Span
from declnet.spec.source import Focus, Source

Writer = Source | Override


@dataclass(eq=False)
class Origin:
    """Who wrote a value, and, where others wrote parts of it, who these were.

    Attributes:
        writer: None for what a program holds.
        below: of parts, by key or position; a part that is not there has the same writer.
    """

    writer: Writer | None
    below: dict[str | int, Origin] = field(default_factory=dict)


@dataclass(eq=False)
class Written:
    """A document, and who wrote each of its values.

    Attributes:
        document: plain tables, arrays and scalars.
        origin: of the document as a whole; its `writer` is the spec file.
        problems: what was wrong with the writing itself.
        incomplete: whether a file that it extends could not be read, so that nobody knows which
            keys are missing.
    """

    document: dict[str, Any]
    origin: Origin = field(default_factory=lambda: Origin(None))
    problems: list[Diagnostic] = field(default_factory=list)
    incomplete: bool = False

    def writer_of(self, path: KeyPath) -> Writer | None:
        """Who wrote the value at a path, or the innermost value around it."""
        origin = self.origin
        for part in path:
            if part not in origin.below:
                break
            origin = origin.below[part]
        return origin.writer

    def place_of(self, path: KeyPath, focus: Focus = "value") -> Place | None:
        """Where a path is written; if it is not, where the innermost table around it is."""
        exact = True
        while path:
            place = self._place_of_part(path, focus if exact else self._focus_around(path))
            if place is not None:
                return place
            path, exact = path[:-1], False
        writer = self.origin.writer
        return Place(writer.name, 1, 1, 1, 1, "") if isinstance(writer, Source) else None

    def _focus_around(self, path: KeyPath) -> Focus:
        """Of a table in which something is missing its key, unless it is a component."""
        value = self._value(path)
        plain = isinstance(value, dict) and "type" not in value
        spot = writer.spot(path) if isinstance(writer := self.writer_of(path), Source) else None
        header = spot is not None and spot.key is not None and _within(spot.key, spot.value)
        return "key" if plain and not header else "value"

    def exact_place(self, path: KeyPath, focus: Focus = "value") -> Place | None:
        """Where just this path is written, or None if it is not: a default."""
        writer = self.writer_of(path)
        if isinstance(writer, Override):
            return writer.place_of(path, focus) or self._bare_name(writer, path)
        spot = writer.spot(path) if writer is not None else None
        if writer is None or spot is None:
            return self._bare_name(writer, path)
        span = spot.value
        if spot.key is not None and (focus == "key" or span.end_line > span.line):
            span = spot.key
        return writer.place(span)

    def _place_of_part(self, path: KeyPath, focus: Focus) -> Place | None:
        value = self._value(path)
        if focus == "value" and isinstance(value, dict) and isinstance(value.get("type"), str):
            path = (*path, "type")  # of a whole component, what it is called says most
        return self.exact_place(path, focus)

    def _bare_name(self, writer: Writer | None, path: KeyPath) -> Place | None:
        """Where a type is written as a bare name, which others may have added keys to."""
        names = (self._value(path), self._value(path[:-1]))
        if path[-1:] != ("type",) or not any(isinstance(each, str) for each in names):
            return None
        if isinstance(writer, Override):
            return writer.place_of(path[:-1], "value")
        spot = writer.spot(path[:-1]) if writer is not None else None
        return writer.place(spot.value) if writer is not None and spot is not None else None

    def _value(self, path: KeyPath) -> Any:
        value: Any = self.document
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def located(self, problems: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """The problems with their places, in the order in which they are written."""
        found = [
            problem
            if problem.place is not None
            else replace(problem, place=self.place_of(problem.path, problem.focus))
            for problem in problems
        ]
        order = {name: number for number, name in enumerate(dict.fromkeys(self._names()))}
        return tuple(sorted(dict.fromkeys(found), key=lambda each: _position(each, order)))

    def _names(self) -> Iterator[str]:
        """The sources' names: the spec file, then the others in the order that they were met."""
        waiting = [self.origin]
        while waiting:
            origin = waiting.pop(0)
            yield origin.writer.name if isinstance(origin.writer, Source) else "--set"
            waiting += origin.below.values()


def _within(inner: Span, outer: Span) -> bool:
    """Whether one span is in another of the same line, as a key is in its header."""
    return outer.line == inner.line and outer.column <= inner.column < outer.end_column


def _position(problem: Diagnostic, order: dict[str, int]) -> tuple[int, int, int, int]:
    place = problem.place
    if place is None:
        return (0, 0, 0, 0)
    severity = 0 if problem.severity == "error" else 1
    return (order.get(place.file, len(order)), place.line, place.column, severity)
