"""A curve as one line of block characters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int) -> str:
    """The values from the smallest (`▁`) to the largest (`█`), one character or more values each.

    Args:
        values: those that are not finite leave a blank.
        width: the most characters; more values than that are averaged in equal parts.
    """
    shown = _averaged(values, width)
    finite = [each for each in shown if math.isfinite(each)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    span = high / 2 - low / 2  # halves, as the whole may be more than the largest float
    top = len(BLOCKS) - 1

    def block(value: float) -> str:
        if not math.isfinite(value):
            return " "
        return BLOCKS[round((value / 2 - low / 2) / span * top)] if span else BLOCKS[0]

    return "".join(map(block, shown))


def _averaged(values: Sequence[float], width: int) -> list[float]:
    count = len(values)
    if count <= width:
        return list(values)
    edges = [count * part // width for part in range(width + 1)]
    return [sum(values[start:stop]) / (stop - start) for start, stop in pairwise(edges)]
