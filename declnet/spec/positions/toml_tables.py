"""Which tables TOML's keys and headers make, and which they may not make again.

The rules are those of `tomllib`: what it refuses as given twice is a repetition here, and is then
left out, as if it were not written.
"""

from __future__ import annotations

from collections.abc import Sequence

from declnet.spec.positions.entries import Entries
from declnet.spec.positions.entry import Entry, Part, Role
from declnet.spec.positions.lines import ByteRange
from declnet.spec.positions.nesting import Nesting
from declnet.spec.positions.repetition import Repetition, repetition


class TomlTables:
    """Adds entries to a document, pair by pair and header by header.

    Args:
        entries: of the document.
        root: the document's.
        nesting: is told of each table.
        repetitions: takes what stands twice.
    """

    def __init__(
        self, entries: Entries, root: Entry, nesting: Nesting, repetitions: list[Repetition]
    ) -> None:
        self._entries = entries
        self._root = root
        self._nesting = nesting
        self._repetitions = repetitions

    def add_pair(
        self, section: Entry, parts: Sequence[Part], value: ByteRange, blank: ByteRange
    ) -> Entry:
        """The entry of a pair's value.

        Args:
            section: the table in which the pair is written.
            parts: of the pair's key, at least one.
            value: where the value stands.
            blank: what to blank out if the pair repeats something.
        """
        place = section
        *outer, last = parts
        implicit = []
        for index, part in enumerate(outer):
            table = self._entries.get(place, part.name)
            if table is None:
                table = self._entries.add(place, part.name, part.where, part.where, Role.DOTTED)
            elif table.role is Role.IMPLICIT:
                implicit.append(table)
            elif table.role is not Role.DOTTED:
                return self._repeat(table, parts[index:], part.where, blank)
            self._nesting.note(table.depth, part.where)
            place = table
        first = self._entries.get(place, last.name)
        if first is not None:
            return self._repeat(first, [last], last.where, blank)
        for table in implicit:  # from now on no header may open it
            table.role = Role.DOTTED
        return self._entries.add(place, last.name, last.where, value)

    def open_table(self, parts: Sequence[Part], header: ByteRange, blank: ByteRange) -> Entry:
        """The entry of a table with its own header, e.g. `[training]`.

        Args:
            parts: of the header's key, at least one.
            header: where the header stands, with its brackets.
            blank: what to blank out if it repeats something: the header and its pairs.
        """
        place, rest = self._reach(parts)
        last = parts[-1]
        table = self._entries.get(place, rest[0].name)
        if table is None:
            table = self._entries.add(place, last.name, last.where, header, Role.HEADER)
        elif table.role is Role.IMPLICIT:
            table.key, table.value, table.role = last.where, header, Role.HEADER
        else:
            return self._repeat_header(table, rest, header, blank)
        self._nesting.note(table.depth, last.where)
        return table

    def append_table(self, parts: Sequence[Part], header: ByteRange, blank: ByteRange) -> Entry:
        """The entry of the next item of an array of tables, e.g. `[[model.layers]]`.

        Args:
            parts: of the header's key, at least one.
            header: where the header stands, with its brackets.
            blank: what to blank out if it repeats something: the header and its pairs.
        """
        place, rest = self._reach(parts)
        last = parts[-1]
        tables = self._entries.get(place, rest[0].name)
        if tables is None:
            tables = self._entries.add(place, last.name, last.where, header, Role.TABLES)
        elif tables.role is not Role.TABLES:
            return self._repeat_header(tables, rest, header, blank)
        self._nesting.note(tables.depth, last.where)
        item = self._entries.append(tables, header, Role.HEADER)
        self._nesting.note(item.depth, last.where)
        return item

    def _reach(self, parts: Sequence[Part]) -> tuple[Entry, Sequence[Part]]:
        """The table that a header's last part is in, and that part.

        If a part on the way is a value, what that is in, and the parts from there.
        """
        place = self._root
        for index, part in enumerate(parts[:-1]):
            table = self._entries.get(place, part.name)
            if table is None:
                table = self._entries.add(place, part.name, part.where, part.where, Role.IMPLICIT)
            elif table.role is Role.VALUE:
                return place, parts[index:]
            self._nesting.note(table.depth, part.where)
            place = table
            if table.role is Role.TABLES:
                place = self._entries.last(table)
        return place, parts[-1:]

    def _repeat_header(
        self, entry: Entry, rest: Sequence[Part], header: ByteRange, blank: ByteRange
    ) -> Entry:
        second = header if len(rest) == 1 else rest[0].where
        table = self._repeat(entry, rest, second, blank)
        self._nesting.note(table.depth, rest[-1].where)
        return table

    def _repeat(
        self, entry: Entry, rest: Sequence[Part], second: ByteRange, blank: ByteRange
    ) -> Entry:
        """Notes that an entry is given again; what is given then has an entry that no path finds.

        Args:
            entry: what is given twice.
            rest: the parts of the key from there on.
            second: what repeats it.
            blank: what to blank out.
        """
        self._repetitions.append(repetition(entry, second, blank))
        place = entry.parent or self._root
        for part in rest[:-1]:
            place = self._entries.detached(place, part.name, part.where, part.where)
            self._nesting.note(place.depth, part.where)
        return self._entries.detached(place, rest[-1].name, rest[-1].where, rest[-1].where)
