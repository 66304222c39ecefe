"""Changes each batch of the training data at random, so that no two epochs see the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from declnet.components.arrays import Array
from declnet.components.data_source import Dataset
from declnet.components.returned import checked_suits
from declnet.components.transform import Transform
from declnet.data.gathering import Gathered
from declnet.errors import DataError


class VariedSamples:
    """Samples that vary each time they are gathered.

    Args:
        samples: as they are.
        transforms: those that are for training only, in order.
        rng: their stream.
    """

    def __init__(
        self, samples: Gathered, transforms: Sequence[Transform], rng: np.random.Generator
    ) -> None:
        self._samples, self._transforms, self._rng = samples, tuple(transforms), rng

    def batch(self, size: int) -> tuple[Array, Callable[[Array], object]]:
        """As `Gathered.batch`."""
        x, gather = self._samples.batch(size)

        def gather_and_vary(positions: Array) -> None:
            gather(positions)
            for transform in self._transforms:
                transform.vary(x, self._rng)

        return x, gather_and_vary

    def all(self) -> Array:
        """As `Gathered.all`; raises NotImplementedError, since only batches vary."""
        raise NotImplementedError


def require_suited(train: Dataset, transforms: Sequence[Transform]) -> None:
    """Checks that what varies training data suits it.

    Args:
        train: the prepared training data.
        transforms: all of the spec.

    Raises:
        DataError: one does not.
    """
    for number, transform in enumerate(transforms):
        if not transform.training_only:
            continue
        if not checked_suits(transform, transform.suits(np.asarray(train.x[:1]))):
            raise DataError(
                f"{transform.type} does not suit samples of shape {train.x.shape[1:]}",
                path=("data", "prepare", number),
                code="E035",
            )
