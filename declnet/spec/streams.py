"""Independent random streams, all fed by the run's one seed."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a stream is for; the numbers are part of the format and never change."""

    DATA = 0
    SHUFFLE = 1
    INITIALIZATION = 2
    LAYER = 3
    SPLIT = 4
    AUGMENTATION = 5


class DataSet(IntEnum):
    """The index of each data set's stream within `Stream.DATA`."""

    TRAIN = 0
    VALIDATION = 1
    TEST = 2


def random_stream(seed: int, stream: Stream, index: int = 0) -> np.random.Generator:
    """The generator of one stream: `SeedSequence(seed, spawn_key=(stream, index))` into PCG64.

    Args:
        seed: the run's seed.
        stream: what the numbers are for.
        index: which data set, or which layer by its position.
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(int(stream), int(index)))
    return np.random.Generator(np.random.PCG64(sequence))
