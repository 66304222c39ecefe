from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from declnet.data.batches import Batches

sizes = st.integers(1, 60)


@given(samples=sizes, batch_size=sizes, shuffle=st.booleans(), seed=st.integers(0, 9))
def test_each_epoch_takes_each_sample_once(samples, batch_size, shuffle, seed):
    batches = Batches(samples, batch_size, shuffle, seed)
    for _ in range(3):
        taken = [batch.copy() for batch in batches.epoch()]
        assert sorted(np.concatenate(taken)) == list(range(samples))
        assert {len(batch) for batch in taken[:-1]} <= {batches.batch_size}
        assert len(taken[-1]) == batches.last_size


def order(batches):
    return np.concatenate(list(batches.epoch())).tolist()


def test_the_order_follows_from_the_seed_alone():
    one, same, other = (Batches(50, 7, True, seed) for seed in (3, 3, 4))
    np.random.seed(0)
    first = order(one)
    assert first == order(same)
    assert first != order(other)
    assert order(one) == order(same)


def test_epochs_differ_from_each_other():
    batches = Batches(50, 7, True, 0)
    assert order(batches) != order(batches)


def test_without_shuffling_the_order_is_that_of_the_data():
    batches = Batches(50, 7, False, 0)
    assert order(batches) == order(batches) == list(range(50))
