"""A random sample of samples that arrive in parts, in memory that its size bounds."""

from __future__ import annotations

from typing import Generic, Protocol, Self, TypeVar

import numpy as np

from declnet.contracts.arrays import Array


class SamplePart(Protocol):
    """Consecutive samples, some of which can be taken."""

    def take(self, positions: Array, /) -> Self:
        """Return the samples at positions (n,)."""


Part = TypeVar("Part", bound=SamplePart)


class Reservoir(Generic[Part]):
    """The samples with the smallest random keys (Vitter 1985), in memory that they bound.

    Attributes:
        parts: what is kept of each part, in order; perhaps no sample.
        threshold: what the keys are less than; 1 as long as all samples are kept.
    """

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.threshold = 1.0
        self._keys: list[Array] = []

    def __len__(self) -> int:
        return sum(map(len, self._keys))

    def add(self, part: Part, keys: Array, most: int) -> None:
        """Add samples with keys (n,) in [0, 1); keep at least the `most` smallest of all."""
        chosen = np.flatnonzero(keys < self.threshold)
        self._keys.append(keys[chosen])
        self.parts.append(part.take(chosen))
        if len(self) > 1.25 * most:
            self.trim(most)

    def trim(self, most: int) -> None:
        """Keep only the `most` samples with the smallest keys."""
        keys = np.concatenate(self._keys)
        if len(keys) <= most:
            return
        self.threshold = float(np.partition(keys, most)[most])
        for number, part in enumerate(self.parts):
            smallest = np.flatnonzero(self._keys[number] < self.threshold)
            self._keys[number] = self._keys[number][smallest]
            self.parts[number] = part.take(smallest)
