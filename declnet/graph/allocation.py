"""Gives values that are never needed at the same time the same memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass
class Life:
    """When a value is needed.

    Attributes:
        birth: the time of the step that writes it.
        death: the time of the last step that reads it.
        size: numbers a sample.
        block: where it is put.
    """

    birth: int
    death: int
    size: int
    block: int = -1


def allocate(lives: Sequence[Life]) -> tuple[int, ...]:
    """Puts each life into a block, the smallest free one that holds it or else a larger one.

    Returns:
        The size of each block, in numbers a sample.
    """
    sizes: list[int] = []
    holders: list[Life | None] = []
    for life in sorted(lives, key=lambda each: each.birth):
        free = [
            block
            for block, holder in enumerate(holders)
            if holder is None or holder.death < life.birth
        ]
        fitting = [block for block in free if sizes[block] >= life.size]
        if fitting:
            life.block = min(fitting, key=sizes.__getitem__)
        elif free:
            life.block = max(free, key=sizes.__getitem__)
            sizes[life.block] = life.size
        else:
            life.block = len(sizes)
            sizes.append(life.size)
            holders.append(None)
        holders[life.block] = life
    return tuple(sizes)
