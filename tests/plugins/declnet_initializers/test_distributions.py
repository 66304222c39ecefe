"""What initializers draw, by the moments and the limits of large samples."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

import declnet_initializers as initializers

FAN_IN, FAN_OUT = 300, 200


def filled(initializer, dtype="float64", seed=0):
    w = np.full((FAN_IN, FAN_OUT), np.nan, dtype)
    initializer.fill(w, np.random.default_rng(seed), FAN_IN, FAN_OUT)
    return w


@pytest.mark.parametrize(
    ("initializer", "value"),
    [
        (initializers.Zeros(), 0.0),
        (initializers.Ones(), 1.0),
        (initializers.Constant(value=-2.5), -2.5),
        (initializers.Normal(mean=3.0, std=0.0), 3.0),
    ],
    ids=repr,
)
def test_constants_fill_every_element(initializer, value):
    assert (filled(initializer) == value).all()


@pytest.mark.parametrize(
    ("initializer", "mean", "std"),
    [
        (initializers.Normal(), 0.0, 0.01),
        (initializers.Normal(mean=2.0, std=0.5), 2.0, 0.5),
        (initializers.GlorotNormal(), 0.0, sqrt(2 / (FAN_IN + FAN_OUT))),
        (initializers.HeNormal(), 0.0, sqrt(2 / FAN_IN)),
    ],
    ids=repr,
)
def test_normal_draws_have_mean_and_deviation(initializer, mean, std):
    w = filled(initializer)
    assert abs(w.mean() - mean) < 5 * std / sqrt(w.size)
    assert w.std() == pytest.approx(std, rel=0.02)
    inside = np.abs(w - mean) < std
    assert inside.mean() == pytest.approx(0.6827, abs=0.01)


@pytest.mark.parametrize(
    ("initializer", "low", "high"),
    [
        (initializers.Uniform(), -0.05, 0.05),
        (initializers.Uniform(low=1.0, high=3.0), 1.0, 3.0),
        (initializers.GlorotUniform(), -sqrt(6 / (FAN_IN + FAN_OUT)), sqrt(6 / (FAN_IN + FAN_OUT))),
        (initializers.HeUniform(), -sqrt(6 / FAN_IN), sqrt(6 / FAN_IN)),
    ],
    ids=repr,
)
def test_uniform_draws_fill_their_interval(initializer, low, high):
    w = filled(initializer)
    width = high - low
    assert low <= w.min() < low + 0.001 * width
    assert high - 0.001 * width < w.max() < high
    assert w.mean() == pytest.approx((low + high) / 2, abs=0.01 * width)


@pytest.mark.parametrize("initializer", [initializers.GlorotUniform(), initializers.HeNormal()])
def test_draws_come_from_the_given_stream_alone(initializer):
    assert (filled(initializer) == filled(initializer)).all()
    assert (filled(initializer) != filled(initializer, seed=1)).all()


def test_an_interval_upside_down_is_refused():
    with pytest.raises(ValueError, match="must not be greater"):
        initializers.Uniform(low=1.0, high=0.0)
