from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from declnet_plugins.standard.layers import Dropout

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


def test_numbers_are_dropped_apart_from_each_other():
    y, _ = passed(0.5, np.ones((N, *SHAPE)))
    kept = (y != 0).reshape(N, -1).astype(float)
    correlations = np.corrcoef(kept, rowvar=False)
    np.fill_diagonal(correlations, 0)
    assert np.abs(correlations).max() < 6 / np.sqrt(N)
    assert np.abs(kept.mean(axis=1) - 0.5).max() < 6 * 0.5 / np.sqrt(200)


@pytest.mark.parametrize(("rate", "training"), [(0.5, False), (0.0, True)])
def test_evaluation_and_a_rate_of_zero_are_the_identity(x, rate, training):
    y, dx = passed(rate, x, x + 1, training=training)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(dx, x + 1)


def test_gradient_uses_the_mask_of_forward(x):
    dy = np.random.default_rng(2).normal(size=x.shape)
    y, dx = passed(0.3, x, dy)
    np.testing.assert_allclose(dx, dy * (y / x), rtol=1e-12)
    assert (dx == 0).any()


def test_same_seed_draws_the_same_mask_and_another_seed_another(x):
    first, again, other = (passed(0.5, x, seed=seed)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first == 0, other == 0)


def test_each_step_draws_again():
    bench = LayerRun(Dropout(rate=0.5), SHAPE, N)
    x = np.ones((N, *SHAPE))
    bench.place(x, x)
    assert not np.array_equal(bench.forward(), bench.forward())


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1, True, "0.5"])
def test_rates_that_are_no_fraction_are_refused(rate):
    with pytest.raises(ValidationError):
        Dropout(rate=rate)


@pytest.mark.parametrize(("rate", "codes"), [(0.5, ["W060"]), (0.0, [])])
def test_an_output_that_is_dropped_is_warned_of(rate, codes, outline_of, codes_of):
    layer = Dropout(rate=rate)
    assert codes_of(layer, outline_of("relu", layer, here="dropout_1")) == codes
    assert codes_of(layer, outline_of(layer, "relu", here="dropout_1")) == []
