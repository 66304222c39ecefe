"""What initializers draw: moments and limits of large samples, and orthogonal matrices."""

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


@pytest.mark.parametrize("cls", initializers.INITIALIZERS[3:], ids=lambda cls: cls.type)
def test_draws_come_from_the_given_stream_alone(cls):
    assert (filled(cls()) == filled(cls())).all()
    assert (filled(cls()) != filled(cls(), seed=1)).all()


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


def drawn(shape, seed=0, dtype="float64", gain=1.0):
    w = np.full(shape, np.nan, dtype)
    initializers.Orthogonal(gain=gain).fill(w, np.random.default_rng(seed), shape[0], shape[-1])
    return w


@pytest.mark.parametrize("gain", [1.0, 0.5, 2.0])
@pytest.mark.parametrize(
    "shape", [(6, 6), (4, 9), (9, 4), (1, 5), (5, 1), (3, 2, 5), (20, 2, 3, 3)]
)
def test_rows_or_columns_are_orthogonal_and_as_long_as_gain(shape, gain):
    flat = drawn(shape, gain=gain).reshape(shape[0], -1)
    product = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
    np.testing.assert_allclose(product, gain**2 * np.eye(len(product)), atol=1e-13)


def test_float32_parameters_are_orthogonal_to_their_precision():
    w = drawn((7, 7), dtype="float32")
    np.testing.assert_allclose(w @ w.T, np.eye(7), atol=1e-6)


def test_a_matrix_of_one_element_is_either_sign_of_gain():
    assert {drawn((1, 1), seed, gain=2.0).item() for seed in range(20)} == {-2.0, 2.0}


def test_no_direction_is_preferred():
    """Without the signs of R's diagonal, Q's would lean to one side."""
    matrices = np.array([drawn((4, 4), seed) for seed in range(2000)])
    np.testing.assert_allclose(matrices.mean(axis=0), 0, atol=5 * 0.5 / np.sqrt(2000))
    np.testing.assert_allclose((matrices**2).mean(axis=0), 1 / 4, atol=0.03)
    assert np.mean(np.linalg.det(matrices) > 0) == pytest.approx(0.5, abs=0.06)


def test_a_parameter_of_one_axis_is_refused():
    with pytest.raises(ValueError, match=r"at least 2 axes, not shape \(5,\)"):
        drawn((5,))
