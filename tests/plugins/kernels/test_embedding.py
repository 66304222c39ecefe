"""Compiled embeddings: sums in the order of the samples, and nothing out of range."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import KernelSite, LayerState, parse_spec, run
from declnet.contracts.network.inputs import InputInfo
from declnet_plugins.kernels.embedding import EmbeddingKernel
from declnet_plugins.standard.layers import Embedding

pytestmark = pytest.mark.usefixtures("numba")


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
@pytest.mark.parametrize("levels", [None, (20, 3, 7)])
def test_rows_and_sums_in_parts(levels, dtype):
    rng, n, units = np.random.default_rng(1), 211, 5
    layer = Embedding(units=units, categories=None if levels else 40)
    layer = layer.with_input_info((InputInfo((3,), "integer", levels),)) if levels else layer
    rows = sum(levels) if levels else 40
    x = rng.integers(0, levels or 40, (n, 3)).astype(dtype)
    state = LayerState(rng, training=True)
    state.weights = rng.normal(size=(rows, units)).astype(np.float32)
    dy, results = rng.normal(size=(n, 3, units)).astype(np.float32), []
    for parts in (1, 2, 3, 7):
        state.grad.weights = np.full((rows, units), np.nan, np.float32)
        y = np.full_like(dy, np.nan)
        calls = EmbeddingKernel().bind(KernelSite((layer,), x=x, y=y, dy=dy, states=(state,)))
        for call in (*calls.forward, *calls.backward):
            for part in reversed(range(parts)):
                call.block[:2] = part, parts
                call()
        results.append((y.tobytes(), state.grad.weights.tobytes()))
    assert len(set(results)) == 1
    targets = x.astype(int) + np.cumsum((0, *levels[:-1]) if levels else (0, 0, 0))
    right = np.zeros((rows, units), np.float32)
    for row, slope in zip(targets.reshape(-1), dy.reshape(-1, units), strict=True):
        right[row] += slope
    assert y.tolist() == state.weights[targets].tolist()
    assert state.grad.weights.tolist() == right.tolist()


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


@pytest.mark.parametrize("kernels", ["jit", "numpy"])
@pytest.mark.parametrize("integer", [-1, 5])
def test_an_integer_out_of_range_is_named(kernels, integer):
    layers = [{"type": "embedding", "categories": 5, "units": 4}, "flatten"]
    document = {
        "declnet": 1,
        "model": {"layers": [*layers, {"type": "dense", "units": 1}]},
        "loss": "mean_squared_error",
        "optimizer": "sgd",
        "training": {"epochs": 5, "metrics": []},
        "engine": {"kernels": kernels},
    }
    x = np.random.default_rng(1).integers(0, 5, (30, 3))
    x[7, 1] = integer
    with pytest.raises(Exception, match=f"is {integer}, but there are 5 categories"):
        run(parse_spec(document), data=(x, x[:, :1] * 1.0))
