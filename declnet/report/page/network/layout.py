"""Places the layers of a DAG: from above to below, long connections beside the layers they pass.

After Sugiyama, Tagawa and Toda, Methods for visual understanding of hierarchical system structures,
1981: a rank by the longest path, and an order in each rank by the means of neighbours. A connection
that passes ranks does so straight, in the nearest lane that is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from declnet.report.page.network.lanes import Lanes
from declnet.report.page.network.spacing import spaced

BOX, BOX_HEIGHT, GAP, RANK_GAP = 196.0, 46.0, 22.0, 26.0
"""Width and height of a layer, space beside and below it."""
SWEEPS = 8

Point = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """Where everything is, in pixels from the upper left corner.

    Attributes:
        boxes: the middle of each value's upper edge; value 0 is the model's input.
        connections: the points of each, from the lower edge of a layer to the upper of another.
    """

    width: float
    height: float
    boxes: tuple[Point, ...]
    connections: tuple[tuple[Point, ...], ...]


def lay_out(inputs: Sequence[Sequence[int]]) -> Layout:
    """Places all values.

    Args:
        inputs: for each layer, the values that it takes: 0 is the input, i + 1 of layer i.
    """
    above = [[], *(list(dict.fromkeys(taken)) for taken in inputs)]
    ranks = _ranks(above)
    middles = _middles(above, _ordered(above, ranks))
    lanes = Lanes(BOX, GAP, list(zip(ranks, middles, strict=True)))
    wires = [(value, layer) for layer, taken in enumerate(above) for value in taken]
    wires.sort(key=lambda wire: ranks[wire[1]] - ranks[wire[0]])  # short ones get inner lanes
    passing = {
        (value, layer): lanes.take(ranks[value], ranks[layer], middles[value], middles[layer])
        for value, layer in wires
        if ranks[layer] - ranks[value] > 1
    }
    left, right = lanes.extent()
    tops = [rank * (BOX_HEIGHT + RANK_GAP) for rank in ranks]
    boxes = tuple((x - left, top) for x, top in zip(middles, tops, strict=True))
    connections = []
    for value, layer in wires:
        points = [(boxes[value][0], tops[value] + BOX_HEIGHT), boxes[layer]]
        if (value, layer) in passing:
            x = passing[value, layer] - left
            first, last = tops[value] + BOX_HEIGHT + RANK_GAP, tops[layer] - RANK_GAP
            points[1:1] = [(x, first), (x, last)]
        connections.append(tuple(points))
    height = max(tops) + BOX_HEIGHT
    return Layout(right - left, height, boxes, tuple(connections))


def _ranks(above: Sequence[Sequence[int]]) -> list[int]:
    """One below the lowest of what each takes."""
    ranks: list[int] = []
    for taken in above:
        ranks.append(1 + max((ranks[value] for value in taken), default=-1))
    return ranks


def _ordered(above: Sequence[Sequence[int]], ranks: Sequence[int]) -> list[list[int]]:
    """The values of each rank, from left to right, near to what they are connected with."""
    below: list[list[int]] = [[] for _ in above]
    for layer, taken in enumerate(above):
        for value in taken:
            below[value].append(layer)
    rows: list[list[int]] = [[] for _ in range(max(ranks) + 1)]
    for value, rank in enumerate(ranks):
        rows[rank].append(value)
    places = [0.0] * len(above)
    for sweep in range(SWEEPS):
        near = below if sweep % 2 else above
        for row in reversed(rows) if sweep % 2 else rows:
            for value in row:
                if near[value]:
                    places[value] = _mean(places, near[value])
            row.sort(key=lambda value: places[value])
            for position, value in enumerate(row):
                places[value] = position - (len(row) - 1) / 2
    return rows


def _middles(above: Sequence[Sequence[int]], rows: Sequence[Sequence[int]]) -> list[float]:
    """Each below the middle of what it takes, as far as its neighbours leave room."""
    middles = [0.0] * len(above)
    for row in rows:
        wishes = [_mean(middles, above[value]) if above[value] else 0.0 for value in row]
        for value, place in zip(row, spaced(wishes, BOX, GAP), strict=True):
            middles[value] = place
    return middles


def _mean(places: Sequence[float], values: Sequence[int]) -> float:
    return sum(places[value] for value in values) / len(values)
