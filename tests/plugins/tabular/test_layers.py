"""The layers' values, by their equations; gradients are checked by the conformance kit."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.tabular.layers.embeddings import PBLD, PiecewiseLinear
from declnet_plugins.tabular.layers.members import MemberDense, Members
from declnet_plugins.tabular.layers.realmlp import FeatureScale, NTPDense, ParametricActivation

from ...plain_arrays import LayerRun, run_layer_of_many


def forward(layer, x, order="batch_last", **parameters):
    run = LayerRun(layer, x.shape[1:], len(x), order=order)
    run.initial |= parameters
    run.place(x, np.zeros((len(x), *run.output)))
    return run.forward(), run.initial


def test_a_share_of_the_activation_for_each_unit():
    x = np.array([[1.0, -2.0]]), np.array([[3.0, 0.0]])
    shares, layer = np.array([0.5, 0.25]), ParametricActivation()
    result = run_layer_of_many(layer, x, np.array([[1.0, 8.0]]), shares=shares)
    assert result["y"].tolist() == [[2.0, -1.5]]
    assert result["dx[0]"].tolist() == [[0.5, 6.0]]
    assert result["dx[1]"].tolist() == [[0.5, 2.0]]
    assert result["grad.shares"].tolist() == [2.0, 16.0]
    with pytest.raises(ValueError, match="inputs of one shape"):
        layer.output_shape(((2,), (3,)))


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
    assert {name: parameter.role for name, parameter in layer.parameters(shape).items()} == roles


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
