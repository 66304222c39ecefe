from __future__ import annotations

import numpy as np

from declnet.spec.streams import DataSet, Stream, random_stream


def test_streams_follow_the_format():
    stream = random_stream(7, Stream.LAYER, 2)
    sequence = np.random.SeedSequence(7, spawn_key=(3, 2))
    expected = np.random.Generator(np.random.PCG64(sequence))
    assert (stream.integers(2**32, size=5) == expected.integers(2**32, size=5)).all()


def test_the_numbers_of_streams_never_change():
    assert {each.name: int(each) for each in Stream} == {
        "DATA": 0,
        "SHUFFLE": 1,
        "INITIALIZATION": 2,
        "LAYER": 3,
        "SPLIT": 4,
        "AUGMENTATION": 5,
        "ADAPTATION": 6,
        "ANALYSIS": 7,
        "SAMPLE": 8,
    }
    assert [each.name for each in DataSet] == ["TRAIN", "VALIDATION", "TEST"]
