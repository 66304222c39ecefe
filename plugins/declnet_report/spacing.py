"""Moves things in a row apart, each as little as it takes."""

from __future__ import annotations

import math
from collections.abc import Sequence


def set_apart(
    places: Sequence[float], apart: float, low: float = -math.inf, high: float = math.inf
) -> list[float]:
    """Return places in the same order, at least `apart`, that differ least from those wished for.

    Minimizes the sum of squares by pooling adjacent violators: less `apart` each, the places must
    only not fall, so neighbors that would come too close move as one.

    Args:
        places: wished for, in their order.
        apart: the least distance between two.
        low: the least place.
        high: the greatest place; exceeded if there is no room.

    Source: Barlow, Bartholomew, Bremner and Brunk, Statistical Inference under Order Restrictions,
    1972.
    """
    pools: list[tuple[float, int]] = []  # mean wish, each as if it were the first; members
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
