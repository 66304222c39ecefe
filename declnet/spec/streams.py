"""Independent random streams, all derived from the seed of a run."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """The purpose of a stream; the numbers are part of the format and never change."""

    DATA = 0
    SHUFFLE = 1
    INITIALIZATION = 2
    LAYER = 3
    SPLIT = 4
    AUGMENTATION = 5
    ADAPTATION = 6
    ANALYSIS = 7
    SAMPLE = 8
    SYNTHETIC = 9


class DataSet(IntEnum):
    """The stream index of each data set within `Stream.DATA`."""

    TRAIN = 0
    VALIDATION = 1
    TEST = 2


def random_stream(seed: int, stream: Stream, index: int = 0) -> np.random.Generator:
    """Return the generator of a stream: PCG64 of `SeedSequence(seed, spawn_key=(stream, index))`.

    Args:
        seed: the seed of the run.
        stream: the purpose of the random numbers.
        index: the data set, or the position of the layer.
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(int(stream), int(index)))
    return np.random.Generator(np.random.PCG64(sequence))
