"""The layers' values, by their equations; gradients are checked by the conformance kit."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
import pytest

from declnet_plugins.tabular import (
    PBLD,
    FeatureScale,
    MemberDense,
    Members,
    NTPDense,
    ParametricActivation,
    PiecewiseLinear,
)

from ...plain_arrays import LayerRun, run_layer_of_many

N = 6


@pytest.fixture
def x():
    return np.random.default_rng(5).normal(size=(N, 4))


def forward(layer, x, order="batch_last", **parameters):
    run = LayerRun(layer, x.shape[1:], len(x), order=order)
    run.initial |= parameters
    run.place(x, np.zeros((len(x), *run.output)))
    return run.forward(), run.initial


@pytest.mark.parametrize("order", ["batch_last", "batch_first"])
def test_ntp_dense_divides_by_the_root_of_the_inputs(x, order):
    y, own = forward(NTPDense(units=3), x, order)
    np.testing.assert_allclose(y, x @ own["weights"] / sqrt(4) + own["biases"], rtol=1e-12)


@pytest.mark.parametrize("order", ["batch_last", "batch_first"])
def test_each_feature_has_its_factor(x, order):
    y, own = forward(FeatureScale(), x, order)
    np.testing.assert_allclose(y, x * own["scale"])
    starting = FeatureScale().parameters((4,))["scale"].initializer
    assert starting.type == "ones"


def test_a_share_of_the_activation_for_each_unit():
    x = np.array([[1.0, -2.0]]), np.array([[3.0, 0.0]])
    shares, layer = np.array([0.5, 0.25]), ParametricActivation()
    found = run_layer_of_many(layer, x, np.array([[1.0, 8.0]]), shares=shares)
    assert found["y"].tolist() == [[2.0, -1.5]]
    assert found["dx[0]"].tolist() == [[0.5, 6.0]]
    assert found["dx[1]"].tolist() == [[0.5, 2.0]]
    assert found["grad.shares"].tolist() == [2.0, 16.0]
    with pytest.raises(ValueError, match="inputs of one shape"):
        layer.output_shape(((2,), (3,)))


def test_pbld_embeds_each_feature_and_appends_them(x):
    y, own = forward(PBLD(frequencies=5, units=3), x)
    assert y.shape == (N, 4 * 3)
    for feature in range(4):
        w, b, out, c = (
            own[name][feature] for name in ("frequencies", "phases", "weights", "biases")
        )
        expected = np.cos(2 * pi * x[:, feature, None] * w + b) @ out + c
        np.testing.assert_allclose(y[:, 2 * feature : 2 * feature + 2], expected, rtol=1e-10)
    np.testing.assert_array_equal(y[:, 8:], x)


def test_a_piecewise_linear_embedding_bends_only_at_its_edges():
    """Feature 0 has three bins, feature 1 one, the other two without width."""
    edges = np.array([[0.0, 1, 2, 4], [0, 2, 2, 2]])
    points = np.array([-1.0, 0, 0.5, 1, 1.5, 2, 3, 4, 6])
    x = np.column_stack([points, points])
    zeros = {"slopes": np.zeros((2, 3)), "biases": np.zeros((2, 3))}
    weights = np.stack([np.eye(3)] * 2)
    y, _ = forward(PiecewiseLinear(units=3, bins=3), x, edges=edges, weights=weights, **zeros)
    first = [
        [-1, 0, 0], [0, 0, 0], [0.5, 0, 0], [1, 0, 0], [1, 0.5, 0], [1, 1, 0], [1, 1, 0.5],
        [1, 1, 1], [1, 1, 2],
    ]  # fmt: skip
    np.testing.assert_allclose(y[:, 0], first)
    np.testing.assert_allclose(y[:, 1], points[:, None] / 2 * [1, 0, 0])
    linear = {"slopes": np.ones((2, 3)), "biases": np.full((2, 3), 9.0)}
    y, _ = forward(PiecewiseLinear(units=3, bins=3), x, edges=edges, weights=0 * weights, **linear)
    np.testing.assert_allclose(y, x[:, :, None] + 9 + np.zeros(3))


def test_members_see_the_features_with_their_own_signs(x):
    y, own = forward(Members(members=3), x)
    np.testing.assert_allclose(y, np.stack([x * own["scale"][k] for k in range(3)], axis=1))


def test_each_member_has_a_dense_layer_of_its_own():
    x = np.random.default_rng(5).normal(size=(N, 3, 4))
    y, own = forward(MemberDense(units=2), x)
    for k in range(3):
        expected = x[:, k] @ own["weights"][k] + own["biases"][k]
        np.testing.assert_allclose(y[:, k], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("layer", "shape", "roles"),
    [
        (FeatureScale(), (3,), {"scale": "scale"}),
        (MemberDense(units=2), (4, 3), {"weights": "weight", "biases": "bias"}),
        (Members(), (3,), {"scale": "scale"}),
        (NTPDense(units=2), (3,), {"weights": "weight", "biases": "bias"}),
        (ParametricActivation(), ((3,), (3,)), {"shares": "scale"}),
        (
            PBLD(),
            (3,),
            {"frequencies": "weight", "phases": "bias", "weights": "weight", "biases": "bias"},
        ),
        (
            PiecewiseLinear(),
            (3,),
            {"edges": "weight", "weights": "weight", "slopes": "scale", "biases": "bias"},
        ),
    ],
)
def test_parameters_have_their_roles(layer, shape, roles):
    assert {name: each.role for name, each in layer.parameters(shape).items()} == roles


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (NTPDense(units=2), (3, 4), "put a flatten before it"),
        (PBLD(), (3, 4), "takes samples"),
        (PiecewiseLinear(), (), "takes samples"),
        (Members(), (3, 4), "put a flatten before it"),
        (MemberDense(units=2), (4,), 'the layer "members" makes them'),
    ],
)
def test_other_samples_are_refused(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer.output_shape(shape)
