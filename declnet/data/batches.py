"""The order in which mini-batches take samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.spec.streams import Stream, random_stream


class Batches:
    """Positions of the samples of each batch, shuffled each epoch by the run's own stream.

    Attributes:
        count: batches in an epoch.
        batch_size: samples in each batch but the last.
        last_size: samples in the last batch of an epoch.
    """

    def __init__(self, samples: int, batch_size: int, shuffle: bool, seed: int) -> None:
        self.batch_size = min(batch_size, samples)
        self.count = -(-samples // self.batch_size)
        self.last_size = samples % self.batch_size or self.batch_size
        self._order = np.arange(samples)
        self._shuffle = shuffle
        self._rng = random_stream(seed, Stream.SHUFFLE)

    def epoch(self) -> Iterator[Array]:
        """The batches of the next epoch; each is a view, valid until the next epoch."""
        self.shuffle()
        return self.between(0, self.count)

    def shuffle(self) -> None:
        """Begins an epoch: puts the samples in its order."""
        if self._shuffle:
            self._rng.shuffle(self._order)

    def between(self, first: int, stop: int) -> Iterator[Array]:
        """The batches from `first` to the one before `stop`, of the epoch that has begun."""
        order, size = self._order, self.batch_size
        for start in range(first * size, min(stop * size, len(order)), size):
            yield order[start : start + size]

    def state(self) -> dict[str, Any]:
        """The order of the samples, which the next one is shuffled from, and the random stream.

        Empty without shuffling.
        """
        if not self._shuffle:
            return {}
        smallest = np.min_scalar_type(len(self._order))
        return {"order": self._order.astype(smallest), "rng": self._rng.bit_generator.state}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from what `state` gave.

        Raises:
            ValueError: it is the state of other data, or of batches that were not shuffled alike.
        """
        if bool(state) != self._shuffle:
            raise ValueError("the samples were shuffled, or not, and now it is the other way round")
        if self._shuffle:
            if state["order"].shape != self._order.shape:
                raise ValueError(
                    f"there were {len(state['order'])} samples, now {len(self._order)}"
                )
            self._order[:] = state["order"]
            self._rng.bit_generator.state = state["rng"]
