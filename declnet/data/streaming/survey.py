"""A survey of a data set in one pass over its blocks: sizes, classes, a sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.data_source import Dataset
from declnet.contracts.data.table import Table, missing_values
from declnet.contracts.network.inputs import by_name, for_each
from declnet.data.columns import labels_of
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
        targets: the columns of a table whose distinct values are the classes of targets.
        counted: whether to count the labels of arrays.

    Attributes:
        sizes: the number of samples in each block.
        labels: the number of samples with each label of arrays, if counted.
        classes: the number of rows with each class, by column.
    """

    def __init__(
        self, blocks: int, seed: int, targets: Collection[str] = (), *, counted: bool = False
    ) -> None:
        self.sizes = [0] * blocks
        self.classes: dict[str, Counter[Any]] = {name: Counter() for name in targets}
        self.labels: Counter[int] = Counter()
        self._counted, self._seed = counted, seed
        self._seen, self._threshold = 0, 1.0
        self._chances: list[Array] = []
        self._drawn: list[Data] = []
        self._extremes: Data | None = None

    def add(self, number: int, data: Data) -> None:
        """Add the samples of a block, which come in order."""
        self.sizes[number] = len(data)
        self._draw(data)
        own = data.take(extremes(data))
        joined = own if self._extremes is None else concatenated([self._extremes, own])
        self._extremes = joined.take(extremes(joined))
        if isinstance(data, Table):
            for name, counter in self.classes.items():
                column = data.columns.get(name, np.zeros(0))
                counter.update(column[~missing_values(column)].tolist())
                _require_few(f'the target "{name}"', counter)
        elif self._counted and isinstance(data.y, np.ndarray):
            labels = labels_of(data.y)
            if labels is not None:
                values, counts = np.unique(labels, return_counts=True)
                self.labels.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
                _require_few("y", self.labels)

    def sample(self) -> Data:
        """Return a uniform random sample, followed by samples with extreme or missing numbers.

        The latter decide, too, which columns a transform suits, and which integers a layer must
        take. If all samples are few enough, it is all of them.
        """
        if self._extremes is None:
            raise ValueError("there are no samples")
        self._leave_out(spare=0)
        every = self._threshold == 1.0
        found = concatenated([*self._drawn, *([] if every else [self._extremes])])
        if not isinstance(found, Table):
            return found
        classes = {name: _in_order(name, each) for name, each in self.classes.items() if each}
        return replace(found, classes={**classes, **found.classes})

    def _draw(self, data: Data) -> None:
        """Keep the samples with the smallest chances."""
        positions = self._seen + np.arange(len(data))
        self._seen += len(data)
        chances = position_chances(positions, self._seed, Stream.SAMPLE)
        chosen = np.flatnonzero(chances < self._threshold)
        self._chances.append(chances[chosen])
        self._drawn.append(data.take(chosen))
        self._leave_out(spare=0.25)

    def _leave_out(self, spare: float) -> None:
        """Keep the samples with the smallest chances if more than a share of them is to spare."""
        enough = max(1, min(SAMPLED, SAMPLED_NUMBERS // _numbers(self._drawn[0])))
        if sum(map(len, self._chances)) > (1 + spare) * enough:
            chances = np.concatenate(self._chances)
            self._threshold = float(np.partition(chances, enough)[enough])
            for number, drawn in enumerate(self._drawn):
                smallest = np.flatnonzero(self._chances[number] < self._threshold)
                self._chances[number] = self._chances[number][smallest]
                self._drawn[number] = drawn.take(smallest)


def _require_few(target: str, classes: Counter[Any]) -> None:
    """Raise DataError if there are too many classes to count."""
    if len(classes) > MOST_CLASSES:
        raise DataError(f"{target} has more than {MOST_CLASSES} classes", code="E041")


def _in_order(name: str, counter: Counter[Any]) -> tuple[Any, ...]:
    """Return the sorted classes of a target; floats must be integral."""
    for value in counter:
        if isinstance(value, float) and value % 1:
            message = f'the target "{name}" is {value:g}, but classes are text or integers'
            raise DataError(message, code="E035")
    return tuple(sorted(counter))


def _numbers(data: Data) -> int:
    """Return the number of numbers or cells in a sample."""
    if isinstance(data, Table):
        return max(1, len(data.columns))
    sizes = (
        each.size // max(1, len(each)) for x in (data.x, data.y) for each in by_name(x).values()
    )
    return max(1, int(sum(sizes)))


def extremes(data: Data) -> Array:
    """Return the positions of the smallest, largest and missing values of each array or column."""
    if isinstance(data, Table):
        columns = [*data.columns.values()]
    else:
        columns = [np.asarray(each) for x in (data.x, data.y) for each in by_name(x).values()]
    found: set[int] = set()
    for column in columns:
        rows = column.reshape(len(column), -1)
        gaps = missing_values(rows)
        if gaps.any():
            found.add(int(gaps.argmax()) // rows.shape[1])
        if column.dtype.kind == "O" or gaps.all():
            continue
        for position in (
            (np.nanargmin(rows), np.nanargmax(rows))
            if gaps.any()
            else (
                rows.argmin(),
                rows.argmax(),
            )
        ):
            found.add(int(position) // rows.shape[1])
    return np.array(sorted(found), np.intp)


def concatenated(parts: Sequence[Data]) -> Data:
    """Return parts of a data set as one."""
    first = parts[0]
    if len(parts) == 1:
        return first
    if isinstance(first, Table):
        tables = [each for each in parts if isinstance(each, Table)]
        columns = {
            name: np.concatenate([t.columns[name] for t in tables]) for name in first.columns
        }
        rows = [each.rows for each in tables if each.rows is not None]
        return replace(first, columns=columns, rows=np.concatenate(rows))
    sets = [each for each in parts if isinstance(each, Dataset)]
    weights = [each.weights for each in sets if each.weights is not None]
    return replace(
        first,
        x=_joined([each.x for each in sets]),
        y=_joined([each.y for each in sets]),
        weights=np.concatenate(weights) if weights else None,
    )


def _joined(parts: Sequence[Any]) -> Any:
    if isinstance(parts[0], dict):
        return {name: _joined([each[name] for each in parts]) for name in parts[0]}
    return np.concatenate([for_each(np.asarray, each) for each in parts])
