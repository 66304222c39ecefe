from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.standard.layers.dropout import GaussianNoise

from ....plain_arrays import LayerRun

N, SHAPE = 500, (4, 50)


def passed(std, *, training=True, seed=0, order="batch_last", dtype="float64"):
    x = np.full((N, *SHAPE), 3.0)
    run = LayerRun(GaussianNoise(std=std), SHAPE, N, seed=seed, order=order, dtype=dtype)
    run.place(x, x + 1, training=training)
    return run.forward() - x, run.backward()["dx"] - x


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", ["batch_last", "batch_first"])
@pytest.mark.parametrize("std", [0.1, 2.0])
def test_noise_is_normal_and_independent(std, order, dtype):
    noise, slope = passed(std, order=order, dtype=dtype)
    z = noise / std
    assert abs(z.mean()) < 5 / np.sqrt(z.size)
    assert abs(z.var() - 1) < 5 * np.sqrt(2 / z.size)
    assert abs((z**4).mean() - 3) < 5 * np.sqrt(96 / z.size)
    correlations = np.corrcoef(z.reshape(N, -1), rowvar=False)
    np.fill_diagonal(correlations, 0)
    assert np.abs(correlations).max() < 6 / np.sqrt(N)
    np.testing.assert_array_equal(slope, 1)


@pytest.mark.parametrize(("std", "training"), [(0.5, False), (0.0, True)])
def test_evaluation_and_a_deviation_of_zero_are_the_identity(std, training):
    noise, slope = passed(std, training=training)
    np.testing.assert_array_equal(noise, 0)
    np.testing.assert_array_equal(slope, 1)
