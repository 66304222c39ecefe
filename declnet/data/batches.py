"""The order in which mini-batches take samples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from declnet.components.arrays import Array
from declnet.spec.streams import Stream, random_stream


class Batches:
    """Positions of the samples of each batch, shuffled each epoch by the run's own stream.

    Attributes:
        batch_size: samples in each batch but the last.
        last_size: samples in the last batch of an epoch.
    """

    def __init__(self, samples: int, batch_size: int, shuffle: bool, seed: int) -> None:
        self.batch_size = min(batch_size, samples)
        self.last_size = samples % self.batch_size or self.batch_size
        self._order = np.arange(samples)
        self._shuffle = shuffle
        self._rng = random_stream(seed, Stream.SHUFFLE)

    def epoch(self) -> Iterator[Array]:
        """The batches of the next epoch; each is a view, valid until the next epoch."""
        if self._shuffle:
            self._rng.shuffle(self._order)
        for start in range(0, len(self._order), self.batch_size):
            yield self._order[start : start + self.batch_size]
