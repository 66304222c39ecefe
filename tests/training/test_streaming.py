"""Batches of a stream: each epoch has every sample once, also when resumed within it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet.training.preparation import ReadyData, ReadySet
from declnet.training.streaming import StreamedBatches

sizes = st.lists(st.integers(0, 9), min_size=1, max_size=12).filter(any)


def stream(blocks, window):
    starts = np.cumsum([0, *blocks])

    def read(number):
        numbers = np.arange(starts[number], starts[number + 1])
        x, y = np.repeat(numbers[:, None], 3, axis=1).astype(float), numbers
        return ReadyData({"": x}, (y,), (np.stack([y, -y], axis=1),), numbers / 2)

    return ReadySet(tuple(blocks), read, "", window)


def batches_read(batches, first, stop):
    """Return the samples of each batch, and assert that all arrays agree."""
    epoch_ = []
    for positions in batches.between(first, stop):
        data = batches.samples
        labels = data.y[0][positions].tolist()
        assert data.x[""][positions].tolist() == [[label] * 3 for label in labels]
        assert data.y_true[0][positions].tolist() == [[label, -label] for label in labels]
        assert data.weights[positions].tolist() == [label / 2 for label in labels]
        epoch_.append(labels)
    return epoch_


def epoch(batches):
    return batches_read(batches, 0, batches.count)


@given(blocks=sizes, window=st.integers(1, 20), batch=st.integers(1, 20), shuffle=st.booleans())
def test_each_epoch_takes_each_sample_once(blocks, window, batch, shuffle):
    batches = StreamedBatches(stream(blocks, window), batch, shuffle, seed=3)
    for _ in range(3):
        parts = epoch(batches)
        assert len(parts) == batches.count
        assert {len(part) for part in parts[:-1]} <= {batches.batch_size}
        assert len(parts[-1]) == batches.last_size
        whole = [number for batch in parts for number in batch]
        assert sorted(whole) == list(range(sum(blocks)))
        assert shuffle or whole == sorted(whole)


@given(blocks=sizes, window=st.integers(1, 20), batch=st.integers(1, 20), at=st.integers(0, 60))
def test_an_epoch_resumed_at_any_batch_continues_unchanged(blocks, window, batch, at):
    whole, other = (StreamedBatches(stream(blocks, window), batch, True, seed=3) for _ in range(2))
    epoch(whole)
    second = epoch(whole)
    at = min(at, whole.count)
    other.restore({"epoch": 1 if at else 0})
    assert batches_read(other, at, other.count) == second[at:]
    assert epoch(other) == epoch(whole)


def test_samples_of_a_window_come_from_distant_blocks():
    batches = StreamedBatches(stream([10] * 40, 100), 100, True, seed=0)
    first = np.array(epoch(batches)[0])
    assert len(set(first // 10)) == 10
    assert np.ptp(first) > 250
    assert np.abs(np.diff(first)).mean() > 50


def test_blocks_of_a_group_are_read_consecutively():
    plain = stream([10] * 12, 30)
    read, groups = [], tuple(at // 4 for at in range(12))

    def reading(number):
        read.append(number)
        return plain.read(number)

    grouped = ReadySet(plain.sizes, reading, "", 30, groups=groups)
    batches, orders = StreamedBatches(grouped, 7, True, seed=0), []
    for _ in range(3):
        read.clear()
        assert sorted(number for batch in epoch(batches) for number in batch) == list(range(120))
        order = [groups[number] for number in read]
        assert order == sorted(order, key=order.index)
        orders.append([*read])
    assert orders[0] != orders[1] != orders[2]


def test_an_error_while_reading_ahead_is_raised_when_its_samples_are_used():
    good = stream([10] * 4, 10)

    def read(number):
        if number == 2:
            raise OSError("gone")
        return good.read(number)

    batches = StreamedBatches(ReadySet(good.sizes, read, "", 10), 10, False, seed=0)
    assert len(batches_read(batches, 0, 2)) == 2
    with pytest.raises(OSError, match="gone"):
        batches_read(batches, 2, 4)
