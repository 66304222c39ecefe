"""What initializers draw, by the moments and the limits of large samples."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

import declnet_standard.initializers as initializers

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
        (initializers.TruncatedNormal(mean=3.0, std=0.0), 3.0),
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
        (initializers.LecunNormal(), 0.0, sqrt(1 / FAN_IN)),
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
        (initializers.LecunUniform(), -sqrt(3 / FAN_IN), sqrt(3 / FAN_IN)),
    ],
    ids=repr,
)
def test_uniform_draws_fill_their_interval(initializer, low, high):
    w = filled(initializer)
    width = high - low
    assert low <= w.min() < low + 0.001 * width
    assert high - 0.001 * width < w.max() < high
    assert w.mean() == pytest.approx((low + high) / 2, abs=0.01 * width)


@pytest.mark.parametrize(
    "initializer",
    [
        initializers.GlorotUniform(),
        initializers.HeNormal(),
        initializers.LecunNormal(),
        initializers.LecunUniform(),
        initializers.Orthogonal(),
        initializers.TruncatedNormal(),
    ],
    ids=repr,
)
def test_draws_come_from_the_given_stream_alone(initializer):
    assert (filled(initializer) == filled(initializer)).all()
    assert (filled(initializer) != filled(initializer, seed=1)).all()


def test_an_interval_upside_down_is_refused():
    with pytest.raises(ValueError, match="must not be greater"):
        initializers.Uniform(low=1.0, high=0.0)


@pytest.mark.parametrize(("mean", "std"), [(0.0, 0.01), (2.0, 0.5)])
def test_truncated_draws_stay_within_two_deviations(mean, std):
    w = filled(initializers.TruncatedNormal(mean=mean, std=std))
    furthest = np.abs(w - mean).max()
    assert 1.999 * std < furthest < 2 * std + 1e-12
    assert abs(w.mean() - mean) < 5 * std / sqrt(w.size)


def test_the_tails_are_drawn_again_rather_than_put_on_the_limits():
    std = 0.5
    w = np.abs(filled(initializers.TruncatedNormal(std=std)))
    # of a normal distribution 0.6827 are within 1 standard deviation, 0.9545 within 2
    assert (w < std).mean() == pytest.approx(0.6827 / 0.9545, abs=0.01)
    assert (w > 1.99 * std).mean() < 0.002
    # 1 - 2 * 2 * density(2) / 0.9545, density(2) = 0.05399
    assert w.std() ** 2 + w.mean() ** 2 == pytest.approx(0.7737 * std**2, rel=0.02)
