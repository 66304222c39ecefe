"""Values of initializers: moments and limits of large samples, and orthogonal matrices."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

import declnet_plugins.standard.initializers as initializers

FAN_IN, FAN_OUT = 300, 200


def filled(initializer, dtype="float64", seed=0):
    w = np.full((FAN_IN, FAN_OUT), np.nan, dtype)
    initializer.fill(w, np.random.default_rng(seed), FAN_IN, FAN_OUT)
    return w


def test_a_reversed_interval_is_refused():
    with pytest.raises(ValueError, match="must not be greater"):
        initializers.Uniform(low=1.0, high=0.0)


@pytest.mark.parametrize(("mean", "std"), [(0.0, 0.01), (2.0, 0.5)])
def test_truncated_draws_stay_within_two_deviations(mean, std):
    w = filled(initializers.TruncatedNormal(mean=mean, std=std))
    furthest = np.abs(w - mean).max()
    assert 1.999 * std < furthest < 2 * std + 1e-12
    assert abs(w.mean() - mean) < 5 * std / sqrt(w.size)


def drawn(shape, seed=0, dtype="float64", gain=1.0):
    w = np.full(shape, np.nan, dtype)
    initializers.Orthogonal(gain=gain).fill(w, np.random.default_rng(seed), shape[0], shape[-1])
    return w


def test_float32_parameters_are_orthogonal_to_their_precision():
    w = drawn((7, 7), dtype="float32")
    np.testing.assert_allclose(w @ w.T, np.eye(7), atol=1e-6)


def test_a_parameter_of_one_axis_is_refused():
    with pytest.raises(ValueError, match=r"at least 2 axes, not shape \(5,\)"):
        drawn((5,))
