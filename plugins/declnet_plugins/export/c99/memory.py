"""The workspace of a program: arrays that are not needed at the same time share memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(eq=False)
class Block:
    """Memory for one or more arrays in sequence.

    Attributes:
        size: how many numbers it holds.
        first: the step that fills it.
        last: the last step that reads it.
        offset: where it begins, once it is placed.
    """

    size: int
    first: int
    last: int
    offset: int = 0

    def meets(self, other: Block) -> bool:
        """Return whether both are needed at the same time."""
        return self.first <= other.last and other.first <= self.last


def place(blocks: Sequence[Block]) -> int:
    """Give each block an offset, the largest first, and return how many numbers all take."""
    placed: list[Block] = []
    for block in sorted(blocks, key=lambda block: (-block.size, block.first)):
        offset = 0
        for other in sorted(placed, key=lambda block: block.offset):
            if block.meets(other) and other.offset < offset + block.size:
                offset = max(offset, other.offset + other.size)
        block.offset = offset
        placed.append(block)
    return max((block.offset + block.size for block in placed), default=0)
