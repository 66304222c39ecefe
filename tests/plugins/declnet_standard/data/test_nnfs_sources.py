from __future__ import annotations

import numpy as np
import pytest

from declnet_standard.data import NNFSSine, NNFSSpiral, NNFSVertical

SOURCES = [
    NNFSSpiral(samples=20, classes=3),
    NNFSVertical(samples=20, classes=4),
    NNFSSine(samples=25),
]


@pytest.mark.parametrize("source", SOURCES, ids=repr)
def test_description_agrees_with_the_data(source):
    info, data = source.describe(), source.load(np.random.default_rng(0))
    assert info.samples == len(data.x) == len(data.y)
    assert info.sample_shape == data.x.shape[1:]
    assert info.target_shape == data.y.shape[1:]
    if info.target == "classes":
        assert set(data.y.tolist()) == set(range(info.classes))


@pytest.mark.parametrize("source", SOURCES, ids=repr)
def test_the_global_generator_is_left_as_it_was(source):
    np.random.seed(17)
    before = np.random.get_state()
    source.load(np.random.default_rng(0))
    after = np.random.get_state()
    assert before[0] == after[0]
    assert (before[1] == after[1]).all()
    assert before[2:] == after[2:]


@pytest.mark.parametrize("source", SOURCES[:2], ids=repr)
def test_points_follow_from_the_given_stream_alone(source):
    np.random.seed(1)
    first = source.load(np.random.default_rng(7)).x
    np.random.seed(2)
    assert (source.load(np.random.default_rng(7)).x == first).all()
    assert (source.load(np.random.default_rng(8)).x != first).any()


def test_sine_is_the_sine():
    data = NNFSSine(samples=9).load(np.random.default_rng(0))
    np.testing.assert_allclose(data.y, np.sin(2 * np.pi * data.x), atol=1e-6)
