"""Places things in a row: as near to where they would be as their width allows."""

from __future__ import annotations

from collections.abc import Sequence


def spaced(wishes: Sequence[float], width: float, gap: float) -> list[float]:
    """The middles that keep the order and the gaps, and differ least from the wishes.

    Minimizes the sum of squares by pooling adjacent violators: neighbours that would come too close
    move as one.

    Args:
        wishes: where the middles would be.
        width: of each.
        gap: between two.

    Source: Barlow, Bartholomew, Bremner and Brunk, Statistical Inference under Order Restrictions,
    1972.
    """
    step = width + gap
    pools: list[tuple[float, int]] = []  # mean wish, each as if it were the first; members
    for position, wish in enumerate(wishes):
        mean, members = wish - position * step, 1
        while pools and pools[-1][0] > mean:
            other, count = pools.pop()
            mean = (mean * members + other * count) / (members + count)
            members += count
        pools.append((mean, members))
    places = [mean for mean, members in pools for _ in range(members)]
    return [place + position * step for position, place in enumerate(places)]
