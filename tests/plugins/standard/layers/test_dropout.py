from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.standard.layers.dropout import Dropout

from ....plain_arrays import LayerRun

N, SHAPE = 500, (4, 5, 10)
COUNT = N * 200


def passed(rate, x, dy=None, *, training=True, seed=0, order="batch_last"):
    bench = LayerRun(Dropout(rate=rate), SHAPE, N, seed=seed, order=order)
    bench.place(x, dy, training=training)
    return bench.forward(), bench.backward()["dx"]


@pytest.fixture
def x():
    return np.random.default_rng(1).normal(size=(N, *SHAPE))


@pytest.mark.parametrize("order", ["batch_last", "batch_first"])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_share_of_zeros_is_the_rate(rate, order):
    y, _ = passed(rate, np.ones((N, *SHAPE)), order=order)
    zeros = np.count_nonzero(y == 0) / COUNT
    assert abs(zeros - rate) < 5 * np.sqrt(rate * (1 - rate) / COUNT)
    np.testing.assert_allclose(y[y != 0], 1 / (1 - rate), rtol=1e-15)


def test_numbers_are_dropped_independently():
    y, _ = passed(0.5, np.ones((N, *SHAPE)))
    remaining = (y != 0).reshape(N, -1).astype(float)
    correlations = np.corrcoef(remaining, rowvar=False)
    np.fill_diagonal(correlations, 0)
    assert np.abs(correlations).max() < 6 / np.sqrt(N)
    assert np.abs(remaining.mean(axis=1) - 0.5).max() < 6 * 0.5 / np.sqrt(200)


@pytest.mark.parametrize(("rate", "training"), [(0.5, False), (0.0, True)])
def test_evaluation_and_a_rate_of_zero_are_the_identity(x, rate, training):
    y, dx = passed(rate, x, x + 1, training=training)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(dx, x + 1)
