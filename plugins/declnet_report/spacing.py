"""Spacing of items in a row with minimal movement."""

from __future__ import annotations

import math
from collections.abc import Sequence


def set_apart(
    places: Sequence[float], apart: float, low: float = -math.inf, high: float = math.inf
) -> list[float]:
    """Return positions at least `apart`, in the same order, closest to the desired ones.

    Minimizes the sum of squares by pooling adjacent violators: after subtracting `apart` per item,
    positions need only be nondecreasing, so neighbors that would be too close move as one.

    Args:
        places: the desired positions, in order.
        apart: the least distance between two.
        low: the least position.
        high: the greatest position, exceeded if there is no room.

    Source: Barlow, Bartholomew, Bremner and Brunk, Statistical Inference under Order Restrictions,
    1972.
    """
    pools: list[tuple[float, int]] = []  # mean desired position, each as if first; members
    for index, place in enumerate(places):
        mean, count = place - index * apart, 1
        while pools and pools[-1][0] > mean:
            before, more = pools.pop()
            mean = (mean * count + before * more) / (count + more)
            count += more
        pools.append((mean, count))
    highest = max(low, high - (len(places) - 1) * apart)
    means = [min(max(mean, low), highest) for mean, count in pools for _ in range(count)]
    return [mean + index * apart for index, mean in enumerate(means)]
