"""Values of initializers with and without data."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.tabular.initializers import (
    FanInUniform,
    HePlus,
    PerFeature,
    QuantileEdges,
    RandomSigns,
    UnitOutputs,
)

N, D, UNITS = 300, 7, 5


@pytest.fixture
def rng():
    return np.random.default_rng(2)


def test_without_data_they_draw_from_their_distributions(rng):
    w = np.empty((400, 50))
    UnitOutputs().fill(w, rng, 400, 50)
    assert abs(w.std() - 1) < 0.02
    RandomSigns().fill(w, rng, 400, 50)
    assert np.unique(w).tolist() == [-1, 1]
    assert abs(w.mean()) < 0.03
    FanInUniform().fill(w, rng, 16, 50)
    assert 0.249 < np.abs(w).max() <= 0.25
    HePlus().fill(w, rng, 400, 50)
    assert not w.any()


def test_adjacent_columns_of_a_feature_share_a_draw(rng):
    w = np.empty((500, 8))
    PerFeature(size=3).fill(w, rng, 8, 8)
    groups = w[:, :3], w[:, 3:6], w[:, 6:]
    assert all((group == group[:, :1]).all() for group in groups)
    draws = w[:, ::3]
    assert abs(draws.std() - 1) < 0.05
    assert (np.abs(np.corrcoef(draws.T) - np.eye(3)) < 0.15).all()
    PerFeature(size=3, initializer={"type": "random_signs"}).fill(w, rng, 8, 8)
    assert set(np.unique(w)) == {-1.0, 1.0}


def test_each_unit_gets_a_deviation_of_one_whatever_its_bias(rng):
    x, w, b = rng.normal(3, 2, (N, D)), np.empty((D, UNITS)), rng.normal(size=UNITS)
    UnitOutputs().fill(w, rng, D, UNITS)
    w[:, 1], before = 0, w.copy()
    UnitOutputs().adapt(w, x, lambda: x @ w / 3 + b, rng)
    std = (x @ w / 3).std(axis=0)
    np.testing.assert_allclose(np.delete(std, 1), 1, rtol=1e-12)
    assert not w[:, 1].any()
    ratios = np.delete(w / before, 1, axis=1)
    np.testing.assert_allclose(ratios, ratios[:1] * np.ones((D, 1)), rtol=1e-12)


def test_the_zero_of_each_unit_is_within_its_pre_activations(rng):
    z, b = rng.normal(size=(N, 2000)), rng.normal(size=2000)
    inputs = z + b
    HePlus().adapt(b, None, lambda: inputs, rng)
    assert (-b > z.min(axis=0)).all()
    assert (-b < z.max(axis=0)).all()
    # a uniform draw from the simplex of 5 has sum of squares 1/3 on average
    assert abs((b**2).mean() - 1 / 3) < 0.03
    single = np.zeros(2000)
    HePlus(rows=1).adapt(single, None, lambda: z, rng)
    assert (-single == z).any(axis=0).all()


def test_edges_are_quantiles_without_repetitions(rng):
    x = np.column_stack([rng.normal(size=N), rng.integers(0, 3, N), np.full(N, 4.0)])
    edges = np.empty((3, 9))
    QuantileEdges().adapt(edges, x, lambda: x, rng)
    np.testing.assert_allclose(edges[0], np.quantile(x[:, 0], np.linspace(0, 1, 9)))
    assert edges[1].tolist() == [0, 1, *[2] * 7]
    assert edges[2].tolist() == [4] * 9


def test_edges_without_data_divide_a_normal_distribution(rng):
    edges = np.empty((2, 5))
    QuantileEdges().fill(edges, rng, 5, 2)
    np.testing.assert_allclose(edges[0], [-4.753424, -0.67449, 0, 0.67449, 4.753424], atol=1e-5)
    assert (edges[0] == edges[1]).all()
