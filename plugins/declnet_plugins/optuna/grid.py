"""The points of a grid, all combinations of values."""

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from declnet import Dimension, Scalar, StudyContext

MOST_POINTS = 100_000
"""Maximum number of points of a grid; more are taken for a mistake."""


def grid_points(study: StudyContext) -> list[dict[str, Scalar]]:
    """Return all points of a grid, in an order that depends on the seed."""
    points = list(_points(study.space, {}))
    order = np.random.default_rng(study.seed).permutation(len(points))
    return [points[each] for each in order]


def grid_size(space: Sequence[Dimension]) -> int:
    """Return an upper bound of the number of points: that without conditions."""
    size = 1
    for each in space:
        size *= sum(1 for _ in itertools.islice(_values(each), MOST_POINTS + 1))
    return size


def _points(
    space: Sequence[Dimension], chosen: Mapping[str, Scalar]
) -> Iterator[dict[str, Scalar]]:
    if not space:
        yield dict(chosen)
        return
    first, *others = space
    if not first.applies(chosen):
        yield from _points(others, chosen)
        return
    for value in _values(first):
        yield from _points(others, {**chosen, first.key: value})


def _values(dimension: Dimension) -> Iterator[Scalar]:
    if dimension.choices:
        yield from dimension.choices
        return
    low, high, step = dimension.low, dimension.high, dimension.step or 1
    for number in range(round((high - low) / step) + 1):
        yield low + number * step if dimension.is_integer else float(low + number * step)
