"""Compiled embeddings read and write nothing out of range."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import KernelSite, LayerState, parse_spec, run
from declnet_plugins.kernels.embedding import EmbeddingKernel
from declnet_plugins.kernels.embedding_bag import EmbeddingBagKernel
from declnet_plugins.standard.layers.embedding import Embedding
from declnet_plugins.standard.layers.embedding_bag import EmbeddingBag

pytestmark = pytest.mark.usefixtures("numba")


@pytest.mark.parametrize("integer", [-1, 5, 2**62, -(2**62)])
def test_an_integer_out_of_range_gives_nan_and_no_gradient(integer):
    layer, x = Embedding(categories=5, units=3), np.array([[1], [integer], [4]])
    state, whole = LayerState(np.random.default_rng(), training=True), np.zeros((9, 3))
    state.weights, state.grad.weights = np.ones((5, 3)), whole[2:7]
    y, dy = np.zeros((3, 1, 3)), np.ones((3, 1, 3))
    calls = EmbeddingKernel().bind(KernelSite((layer,), x=x, y=y, dy=dy, states=(state,)))
    for call in (*calls.forward, *calls.backward):
        call()
    assert np.isnan(y[:, 0, 0]).tolist() == [False, True, False]
    assert whole[:, 0].tolist() == [0, 0, 0, 1, 0, 0, 1, 0, 0]


@pytest.mark.parametrize("integer", [-1, 5, 2**62, -(2**62)])
def test_an_integer_of_a_bag_out_of_range_gives_nan_and_no_gradient(integer):
    layer, x = EmbeddingBag(categories=5, units=3), np.array([[1, 3], [integer, 1], [4, integer]])
    scores = np.array([[1.0, 2.0], [1.0, 1.0], [3.0, 0.0]])  # the last one is not read
    state, whole = LayerState(np.random.default_rng(), training=True), np.zeros((9, 3))
    state.weights, state.grad.weights = np.ones((5, 3)), whole[2:7]
    state.biases, state.grad.biases = np.ones(3), np.zeros(3)
    y, dy = np.zeros((3, 3)), np.ones((3, 3))
    site = KernelSite((layer,), x=(x, scores), y=y, dy=dy, states=(state,))
    calls = EmbeddingBagKernel().bind(site)
    for call in (*calls.forward, *calls.backward):
        call()
    np.testing.assert_array_equal(y[:, 0], [4, np.nan, 4])
    assert whole[:, 0].tolist() == [0, 0, 0, 2, 0, 2, 3, 0, 0]
    assert state.grad.biases.tolist() == [3, 3, 3]


@pytest.mark.parametrize("integer", [-1, 5])
def test_an_integer_out_of_range_is_named(integer):
    layers = [{"type": "embedding", "categories": 5, "units": 4}, "flatten"]
    document = {
        "declnet": 1,
        "model": {"layers": [*layers, {"type": "dense", "units": 1}]},
        "loss": "mean_squared_error",
        "optimizer": "sgd",
        "training": {"epochs": 5, "metrics": []},
        "engine": {"kernels": "jit"},
    }
    x = np.random.default_rng(1).integers(0, 5, (30, 3))
    x[7, 1] = integer
    with pytest.raises(Exception, match=f"is {integer}, but there are 5 categories"):
        run(parse_spec(document), data=(x, x[:, :1] * 1.0))
