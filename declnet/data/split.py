"""Holds a fraction of the training data out for validation."""

from __future__ import annotations

from declnet.components.data_source import Dataset
from declnet.errors import DataError
from declnet.spec.streams import Stream, random_stream


def held_out_count(samples: int, fraction: float) -> int:
    """How many of the samples are held out."""
    return round(samples * fraction)


def held_out(dataset: Dataset, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """Splits at random, by the run's seed.

    Args:
        dataset: the data to split.
        fraction: the share to hold out, between 0 and 1; rounded to whole samples.
        seed: the run's seed.

    Returns:
        The rest, and what is held out; both in the order of the data.

    Raises:
        DataError: one of the two would be empty.
    """
    size = held_out_count(len(dataset), fraction)
    if not 0 < size < len(dataset):
        raise DataError(
            f"data.validation = {fraction} of {len(dataset)} samples leaves "
            f"{size} for validation and {len(dataset) - size} for training"
        )
    order = random_stream(seed, Stream.SPLIT).permutation(len(dataset))
    rest, out = sorted(order[size:]), sorted(order[:size])
    return Dataset(dataset.x[rest], dataset.y[rest]), Dataset(dataset.x[out], dataset.y[out])
