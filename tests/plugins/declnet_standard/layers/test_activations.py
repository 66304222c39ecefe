"""What all activations, and dropout, have in common."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from declnet_standard.layers import (
    ELU,
    GELU,
    SELU,
    Dropout,
    HardSigmoid,
    LeakyReLU,
    Linear,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)

from ....plain_arrays import LayerRun

ACTIVATIONS = (
    ReLU(),
    Linear(),
    Sigmoid(),
    Tanh(),
    LeakyReLU(),
    ELU(),
    ELU(alpha=0.5),
    SELU(),
    GELU(),
    GELU(approximation="tanh"),
    SiLU(),
    Softplus(),
    Softplus(beta=2.0),
    HardSigmoid(),
    PReLU(),
    PReLU(shared=True),
)
LAYERS = (*ACTIVATIONS, Dropout(rate=0.3))

SIZES = np.array([0.0, 1e-30, 1e-4, 0.5, 3.0, 8.0, 19.0, 40.0, 88.0, 104.0, 709.0, 746.0, 1e4])
EXTREME = np.concatenate([SIZES, -SIZES])

each_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.type)
each_activation = pytest.mark.parametrize("layer", ACTIVATIONS, ids=lambda layer: layer.type)
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def bench_of(layer, shape, n, dtype="float64"):
    return LayerRun(layer, shape, n, dtype=dtype)


@each_dtype
@each_activation
def test_extreme_inputs_give_finite_numbers_without_a_warning(layer, dtype):
    bench = bench_of(layer, (2,), 13, dtype)
    x = EXTREME.reshape(13, 2)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        found = bench.run(x)
    for name, array in found.items():
        assert np.isfinite(array).all(), name


@each_activation
def test_float32_is_right_to_six_digits(layer):
    x = np.linspace(-15, 15, 3001).astype("float32")[:, None]
    rough = bench_of(layer, (1,), 3001, "float32").run(x)
    exact = bench_of(layer, (1,), 3001, "float64").run(x)
    for name in ("y", "dx"):
        np.testing.assert_allclose(rough[name], exact[name], rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("training", [True, False])
@each_layer
def test_nan_comes_out_as_nan_and_touches_nothing_else(layer, training):
    bench = bench_of(layer, (3,), 4)
    x = np.ones((4, 3))
    x[1, 2] = np.nan
    bench.place(x, x, training=training)
    np.testing.assert_array_equal(np.isnan(bench.forward()), np.isnan(x))


@each_dtype
@each_layer
def test_nothing_is_allocated_in_the_loop(layer, dtype):
    n = 20_000
    bench = bench_of(layer, (8,), n, dtype)
    rng = np.random.default_rng(0)
    bench.place(rng.normal(size=(n, 8)), rng.normal(size=(n, 8)))
    needs = layer.backward_needs
    x, y = bench.x if "x" in needs else None, bench.y if "y" in needs else None

    def step():
        bench.layer.forward(bench.x, bench.y, bench.state)
        bench.layer.backward(x, y, bench.dy, bench.dx, bench.state)

    step()
    tracemalloc.start()
    step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000  # NumPy's own chunks for a change of type; the arrays have 640 000 up


@each_layer
def test_one_number_a_sample_serves(layer):
    bench = bench_of(layer, (), 5)
    found = bench.run(np.linspace(-2, 2, 5))
    assert found["y"].shape == found["dx"].shape == (5,)
    assert np.isfinite(found["y"]).all()
