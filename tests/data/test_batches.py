"""Tests of batches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet.data.batches import Batches, Samples, WholeSamples


@pytest.mark.parametrize("shape", [(), (2,), (16,), (17,), (3, 8, 8)])
def test_samples_are_gathered_in_the_requested_order(shape):
    array = np.random.default_rng(0).normal(size=(10, *shape))
    batch, gather = Samples(array).batch(4)
    for positions in (np.array([3, 1, 1, 9]), np.array([0, 2, 4, 6])):
        gather(positions)
        assert batch.shape == (4, *shape)
        assert (batch == array[positions]).all()


@pytest.mark.parametrize(
    "x", [np.arange(6.0)[:, None], np.ones((5, 3), order="F"), np.ones((1, 40))]
)
def test_a_full_batch_is_a_copy(x):
    batch, gather = WholeSamples(x).batch(len(x))
    assert gather is None
    assert np.array_equal(batch, x)
    assert not np.may_share_memory(batch, x)


sizes = st.integers(1, 60)


def epoch_of(batches):
    return batches.between(0, batches.count)


@given(samples=sizes, batch_size=sizes, shuffle=st.booleans(), seed=st.integers(0, 9))
def test_each_epoch_takes_each_sample_once(samples, batch_size, shuffle, seed):
    batches = Batches(samples, batch_size, shuffle, seed)
    for _ in range(3):
        epoch = [batch.copy() for batch in epoch_of(batches)]
        assert sorted(np.concatenate(epoch)) == list(range(samples))
        assert {len(batch) for batch in epoch[:-1]} <= {batches.batch_size}
        assert len(epoch[-1]) == batches.last_size


@given(samples=sizes, batch_size=sizes, seed=st.integers(0, 9))
def test_drop_last_drops_a_smaller_last_batch(samples, batch_size, seed):
    whole = Batches(samples, batch_size, True, seed)
    dropping = Batches(samples, batch_size, True, seed, drop_last=True)
    for _ in range(3):
        full = [batch for batch in epoch_of(whole) if len(batch) == whole.batch_size]
        epoch = list(epoch_of(dropping))
        assert len(epoch) == dropping.count == samples // min(samples, batch_size)
        assert dropping.last_size == dropping.batch_size
        np.testing.assert_array_equal(epoch, full)


@given(samples=sizes, batch_size=sizes, shuffle=st.booleans(), drop=st.booleans(), data=st.data())
def test_epochs_cut_into_any_parts_have_the_same_batches(samples, batch_size, shuffle, drop, data):
    """Also if another object restores the state between two parts."""
    whole, parts = (Batches(samples, batch_size, shuffle, 3, drop) for _ in range(2))
    epochs = [[batch.tolist() for batch in epoch_of(whole)] for _ in range(6)]
    resumed, number = [], 0
    while number < 6 * whole.count:
        first = number % whole.count
        at_most = 6 * whole.count - number
        count = data.draw(st.integers(1, at_most if first == 0 else whole.count - first))
        resumed += [batch.tolist() for batch in parts.between(first, first + count)]
        number += count
        state = parts.state()
        parts = Batches(samples, batch_size, shuffle, 4, drop)
        parts.restore(state)
    assert resumed == [batch for epoch in epochs for batch in epoch]
    assert {len(batch) for batch in resumed} <= {whole.batch_size, whole.last_size}


def order(batches):
    return np.concatenate(list(epoch_of(batches))).tolist()


def test_the_order_depends_only_on_the_seed():
    one, same, other = (Batches(50, 7, True, seed) for seed in (3, 3, 4))
    np.random.seed(0)
    first = order(one)
    assert first == order(same)
    assert first != order(other)
    assert order(one) == order(same)


def test_the_state_of_other_data_is_refused():
    shuffled = Batches(50, 7, True, 0)
    with pytest.raises(ValueError, match="50 samples, now 49"):
        Batches(49, 7, True, 0).restore(shuffled.state())
    with pytest.raises(ValueError, match="shuffling was turned on or off"):
        Batches(50, 7, False, 0).restore(shuffled.state())
    assert Batches(50, 7, False, 0).state() == {}
