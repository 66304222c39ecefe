"""Properties that all activations and dropout share; tests/peers compares their values."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from declnet import default_registry
from declnet_plugins.standard.layers.dropout import Dropout

from ....plain_arrays import LayerRun

ACTIVATIONS = [
    entry.component(**example)
    for entry in default_registry().entries("layer")
    if entry.component.__module__.rpartition(".")[2] in ("activations", "gelu", "prelu")
    if entry.type != "softmax"  # its outputs depend on each other
    for example in entry.component.examples or ({},)
]
LAYERS = (*ACTIVATIONS, Dropout(rate=0.3))

SIZES = np.array([0.0, 1e-30, 1e-4, 0.5, 3.0, 8.0, 19.0, 40.0, 88.0, 104.0, 709.0, 746.0, 1e4])
EXTREME = np.concatenate([SIZES, -SIZES])

each_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.type)
each_activation = pytest.mark.parametrize("layer", ACTIVATIONS, ids=lambda layer: layer.type)
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


@each_dtype
@each_activation
def test_extreme_inputs_give_finite_numbers_without_a_warning(layer, dtype):
    run = LayerRun(layer, (2,), 13, dtype=dtype)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        result = run.run(EXTREME.reshape(13, 2))
    for name, array in result.items():
        assert np.isfinite(array).all(), name


@each_activation
def test_float32_is_accurate_to_six_digits(layer):
    x = np.linspace(-15, 15, 3001).astype("float32")[:, None]
    rough = LayerRun(layer, (1,), 3001, dtype="float32").run(x)
    exact = LayerRun(layer, (1,), 3001).run(x)
    for name in ("y", "dx"):
        np.testing.assert_allclose(rough[name], exact[name], rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("training", [True, False])
@each_layer
def test_nan_gives_nan_and_affects_nothing_else(layer, training):
    x = np.ones((4, 3))
    x[1, 2] = np.nan
    run = LayerRun(layer, (3,), 4)
    run.place(x, x, training=training)
    np.testing.assert_array_equal(np.isnan(run.forward()), np.isnan(x))


@each_dtype
@each_layer
def test_nothing_is_allocated_in_the_loop(layer, dtype):
    n = 20_000
    run = LayerRun(layer, (8,), n, dtype=dtype)
    rng = np.random.default_rng(0)
    run.place(rng.normal(size=(n, 8)), rng.normal(size=(n, 8)))
    needs = layer.backward_needs
    x, y = run.x if "x" in needs else None, run.y if "y" in needs else None

    def step():
        layer.forward(run.x, run.y, run.state)
        layer.backward(x, y, run.dy, run.dx, run.state)

    step()
    tracemalloc.start()
    step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000  # NumPy's own chunks for a change of type; the arrays have 640 000 up
