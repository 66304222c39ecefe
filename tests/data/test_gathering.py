from __future__ import annotations

import numpy as np
import pytest

from declnet.data.gathering import Samples


@pytest.mark.parametrize("shape", [(), (2,), (16,), (17,), (3, 8, 8)])
def test_samples_are_gathered_in_the_order_that_is_asked_for(shape):
    array = np.random.default_rng(0).normal(size=(10, *shape))
    batch, gather = Samples(array).batch(4)
    for positions in (np.array([3, 1, 1, 9]), np.array([0, 2, 4, 6])):
        gather(positions)
        assert batch.shape == (4, *shape)
        assert (batch == array[positions]).all()


@pytest.mark.parametrize("shape", [(), (2,), (17,), (3, 8, 8)])
def test_all_samples_come_with_their_axis_contiguous(shape):
    array = np.random.default_rng(0).normal(size=(10, *shape))
    found = Samples(array).all()
    assert (found == array).all()
    assert np.moveaxis(found, 0, -1).flags.c_contiguous
