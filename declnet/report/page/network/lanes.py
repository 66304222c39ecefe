"""Free lanes beside the boxes, for connections that pass ranks."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 16.0
"""Of a lane."""


class Lanes:
    """What is taken in each rank: boxes first, then lanes.

    Args:
        box: the width of a box.
        gap: the space beside one.
        boxes: the rank and the middle of each.
    """

    def __init__(self, box: float, gap: float, boxes: Sequence[tuple[int, float]]) -> None:
        self._taken: list[tuple[int, float, float]] = [(rank, x, box / 2) for rank, x in boxes]
        self._gap = gap

    def take(self, upper: int, lower: int, start: float, end: float) -> float:
        """Takes the lane through all ranks between two that bends a connection least.

        Args:
            upper: the rank where the connection begins.
            lower: the rank where it ends.
            start: where it begins.
            end: where it ends.

        Returns:
            The middle of the lane.
        """
        passed = [(x, half) for rank, x, half in self._taken if upper < rank < lower]
        beside = [x + side * self._distance(half) for x, half in passed for side in (1, -1)]
        free = [
            x
            for x in (start, end, *beside)
            if all(abs(x - other) >= self._distance(half) - 1e-6 for other, half in passed)
        ]
        lane = min(free, key=lambda x: (abs(x - start) + abs(x - end), -x))
        self._taken += [(rank, lane, WIDTH / 2) for rank in range(upper + 1, lower)]
        return lane

    def extent(self) -> tuple[float, float]:
        """The left and the right end of all that is taken."""
        left = min(x - half for _, x, half in self._taken)
        return left, max(x + half for _, x, half in self._taken)

    def _distance(self, half: float) -> float:
        """How far a lane's middle must be from something of that half width."""
        return half + WIDTH / 2 + (self._gap - WIDTH / 2 if half > WIDTH else 0.0)
