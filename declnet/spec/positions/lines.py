"""Bytes of a text, which parsers count, into lines and columns, which people count."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from itertools import accumulate

from declnet.spec.positions.span import Span

ByteRange = tuple[int, int]
"""Offsets in bytes: of the first, and one past the last."""

BLOCK = 1024
"""Bytes between two places whose offset in characters is remembered."""

CONTINUATION = bytes(range(0x80, 0xC0))
"""The bytes that begin no character in UTF-8."""


class Lines:
    """A text, its bytes, and its lines; CR alone ends none."""

    def __init__(self, text: str) -> None:
        self.source = text.encode("utf-8", "surrogatepass")

    def span(self, where: ByteRange) -> Span:
        """Lines and columns of a range of bytes."""
        return Span(*self._line_and_column(where[0]), *self._line_and_column(where[1]))

    def offset(self, byte: int) -> int:
        """How many characters stand before a byte."""
        block = byte // BLOCK
        return self._offsets[block] + _characters(self.source[block * BLOCK : byte])

    def _line_and_column(self, byte: int) -> tuple[int, int]:
        line = bisect_right(self._starts, byte)
        return line, self.offset(byte) - self.offset(self._starts[line - 1]) + 1

    @cached_property
    def _starts(self) -> list[int]:
        """The first byte of each line."""
        return [0, *(match.end() for match in re.finditer(b"\n", self.source))]

    @cached_property
    def _offsets(self) -> list[int]:
        """How many characters stand before each block: so a long line costs no more than others."""
        blocks = range(0, len(self.source), BLOCK)
        counts = (_characters(self.source[start : start + BLOCK]) for start in blocks)
        return list(accumulate(counts, initial=0))


def _characters(part: bytes) -> int:
    return len(part.translate(None, CONTINUATION))
