"""All entries of one document."""

from __future__ import annotations

from declnet.spec.positions.entry import Entry, Role
from declnet.spec.positions.lines import ByteRange


class Entries:
    """Finds what is below an entry.

    Entries know what they are in, and not what is in them: so they hold each other in no circle,
    and the garbage collector has no work with them, however deep they go.
    """

    def __init__(self) -> None:
        self._below: dict[tuple[int, str | int], Entry] = {}
        self._count = 0

    def get(self, place: Entry, part: str | int) -> Entry | None:
        """What a table or list has under a key or position."""
        return self._below.get((place.number, part))

    def last(self, place: Entry) -> Entry:
        """The last item of a list that is not empty."""
        return self._below[place.number, place.length - 1]

    def document(self, depth: int, value: ByteRange) -> Entry:
        """The entry that others are below."""
        return Entry(self._next(), None, "", depth, None, value)

    def add(
        self,
        place: Entry,
        part: str | int,
        key: ByteRange | None,
        value: ByteRange,
        role: Role = Role.VALUE,
    ) -> Entry:
        """A new entry in a table or list, under a key that it does not have yet."""
        entry = Entry(self._next(), place, part, place.depth + 1, key, value, role)
        self._below[place.number, part] = entry
        place.length += 1
        return entry

    def append(self, place: Entry, value: ByteRange, role: Role = Role.VALUE) -> Entry:
        """A new last item of a list."""
        return self.add(place, place.length, None, value, role)

    def detached(
        self, place: Entry, part: str | int, key: ByteRange | None, value: ByteRange
    ) -> Entry:
        """A new entry that nothing finds: of what is repeated or broken."""
        return Entry(self._next(), place, part, place.depth + 1, key, value)

    def _next(self) -> int:
        self._count += 1
        return self._count
