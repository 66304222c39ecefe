"""A survey of a data set in one pass over its blocks: sizes, classes, a sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.table import Table, missing_values
from declnet.data.columns import labels_of
from declnet.data.reservoir import Reservoir
from declnet.data.splits import Data
from declnet.data.streaming.source import position_chances
from declnet.errors import DataError
from declnet.spec.streams import Stream

SAMPLED = 100_000
"""Maximum number of samples for what cannot be fitted in one pass."""

SAMPLED_NUMBERS = 2**22
"""Maximum number of elements in these samples."""

MOST_CLASSES = 1_000_000


class Survey:
    """A summary of a data set's samples, whose memory does not depend on their number.

    Args:
        blocks: the number of blocks.
        seed: the seed of the run.
        targets: the targets whose distinct values are classes.

    Attributes:
        sizes: the number of samples in each block.
        classes: the number of samples with each class, by target.
    """

    def __init__(self, blocks: int, seed: int, targets: Collection[str] = ()) -> None:
        self.sizes = [0] * blocks
        self.classes: dict[str, Counter[Any]] = {name: Counter() for name in targets}
        self._seed, self._seen, self._most = seed, 0, 1
        self._drawn: Reservoir[Data] = Reservoir()
        self._extremes: Data | None = None

    def add(self, number: int, data: Data) -> None:
        """Add the samples of a block, which come in order."""
        self.sizes[number] = len(data)
        self._draw(data)
        ends = data.take(extremes(data))
        joined = ends if self._extremes is None else self._extremes.joined([ends])
        self._extremes = joined.take(extremes(joined))
        for name, counter in self.classes.items():
            counter.update(_classes_in(data, name).tolist())
            if len(counter) > MOST_CLASSES:
                target = f'the target "{name}"' if name else "y"
                raise DataError(f"{target} has more than {MOST_CLASSES} classes", code="E041")

    def sample(self) -> Data:
        """Return a uniform random sample, followed by samples with extreme or missing numbers.

        The latter decide, too, which columns a transform suits, and which integers a layer must
        take. If all samples are few enough, it is all of them.
        """
        if self._extremes is None:
            raise ValueError("there are no samples")
        self._drawn.trim(self._most)
        is_all = self._drawn.threshold == 1.0
        first, *others = self._drawn.parts
        samples = first.joined([*others, *([] if is_all else [self._extremes])])
        if not isinstance(samples, Table):
            return samples
        classes = {
            name: _in_order(name, counter) for name, counter in self.classes.items() if counter
        }
        return replace(samples, classes={**classes, **samples.classes})

    def _draw(self, data: Data) -> None:
        """Keep the samples with the smallest chances."""
        positions = self._seen + np.arange(len(data))
        self._seen += len(data)
        self._most = max(1, min(SAMPLED, SAMPLED_NUMBERS // _numbers(data)))
        self._drawn.add(data, position_chances(positions, self._seed, Stream.SAMPLE), self._most)


def _classes_in(data: Data, target: str) -> Array:
    """Return the classes (n,) of a target without missing ones; labels if they have no names."""
    if not isinstance(data, Table):
        labels = labels_of(data.targets[target])
        if labels is None:
            return np.zeros(0, int)
        if data.class_names is None:
            return labels
        known = labels[(labels >= 0) & (labels < len(data.class_names))]  # the others are an error
        return np.array(data.class_names, object)[known.astype(np.intp)]
    column = data.columns.get(target, np.zeros(0))
    return column[~missing_values(column)]


def _in_order(name: str, counter: Counter[Any]) -> tuple[Any, ...]:
    """Return the sorted classes of a target; floats must be integral."""
    for value in counter:
        if isinstance(value, float) and value % 1:
            message = f'the target "{name}" is {value:g}, but classes are text or integers'
            raise DataError(message, code="E035")
    return tuple(sorted(counter))


def _numbers(data: Data) -> int:
    """Return the number of numbers or cells in a sample."""
    return max(1, sum(prod(array.shape[1:]) for array in data.arrays.values()))


def extremes(data: Data) -> Array:
    """Return the positions of the smallest, largest and missing values of each array or column."""
    positions: set[int] = set()
    for array in map(np.asarray, data.arrays.values()):
        rows = array.reshape(len(array), -1)
        gaps = missing_values(rows)
        if gaps.any():
            positions.add(int(gaps.argmax()) // rows.shape[1])
        if array.dtype.kind == "O" or gaps.all():
            continue
        ends = (np.nanargmin, np.nanargmax) if gaps.any() else (np.argmin, np.argmax)
        positions.update(int(end(rows)) // rows.shape[1] for end in ends)
    return np.array(sorted(positions), np.intp)
