"""How deep a document's tables and lists go."""

from __future__ import annotations

from declnet.spec.positions.lines import ByteRange


class Nesting:
    """Remembers, for each depth, the first table or list that is so deep."""

    def __init__(self) -> None:
        self._firsts: list[ByteRange] = []

    @property
    def deepest(self) -> int:
        """The greatest depth of a table or list; the document itself has depth 0."""
        return len(self._firsts)

    def note(self, depth: int, where: ByteRange) -> None:
        """Takes a table or list, named in the order of the text and outer ones before inner."""
        if depth > len(self._firsts):
            self._firsts.append(where)

    def deeper_than(self, limit: int) -> ByteRange | None:
        """The first bracket, brace or key of something deeper than that."""
        return self._firsts[limit] if limit < len(self._firsts) else None
