"""Models of any layers: native steps match NumPy up to rounding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from declnet import default_registry, parse_spec, run
from declnet.testing import build_examples

pytestmark = pytest.mark.usefixtures("numba")

SHAPES = ((6,), (5, 4), (2, 6, 6))
"""Rows of a table, sequences and images."""

SAMPLES, BATCH = 20, 7


def layers_by_shape():
    """Return examples of all layers that ship with declnet and take one input of floats."""
    registry = default_registry()
    return [
        example
        for entry in registry.entries("layer")
        if entry.component.__module__.startswith("declnet_plugins.standard")
        for example in build_examples(entry.component, registry)
        if example.n_inputs != 2 and example.input_dtype == "float"
    ]


LAYERS = layers_by_shape()


def output_shape(layer, shape):
    """Return the shape after a layer; None if the layer refuses such samples."""
    try:
        return layer.output_shape(shape if layer.n_inputs == 1 else (shape,))
    except ValueError:
        return None


@st.composite
def networks(draw):
    """Draw an input shape and up to four layers, each fitting the output of the previous one."""
    start = shape = draw(st.sampled_from(SHAPES))
    chain = []
    for _ in range(draw(st.integers(1, 4))):
        fits = [
            layer_type for layer_type in LAYERS if output_shape(layer_type, shape) not in (None, ())
        ]
        fits = [fit for fit in fits if 0 < np.prod(output_shape(fit, shape)) < 300]
        layer = draw(st.sampled_from(fits))
        chain.append(layer)
        shape = output_shape(layer, shape)
    return start, chain


def trained(layers, data, kernels, dtype, every):
    document = {
        "declnet": 1,
        "model": {"dtype": dtype, "layers": [*layers, "flatten", {"type": "dense", "units": 2}]},
        "loss": "mean_squared_error",
        "optimizer": {"type": "sgd", "learning_rate": 1e-3, "momentum": 0.5},
        "training": {"epochs": 2, "batch_size": BATCH, "log_every": every, "metrics": []},
        "engine": {"kernels": kernels},
    }
    return run(parse_spec(document), data=data).model.store.vector


@settings(max_examples=20, deadline=None)
@given(network=networks(), seed=st.integers(0, 99))
def test_native_steps_agree_with_numpy_and_need_little_stack(in_small_stack, network, seed):
    shape, layers = network
    rng = np.random.default_rng(seed)
    data = rng.normal(size=(SAMPLES, *shape)), rng.normal(size=(SAMPLES, 2))
    numpy = trained(layers, data, "numpy", "float64", 1)
    native = trained(layers, data, "jit", "float64", 2)
    scale = np.abs(numpy).max(initial=1.0)
    np.testing.assert_allclose(native, numpy, rtol=0, atol=1e-9 * scale)
    assert (native == in_small_stack(trained, layers, data, "jit", "float64", 1)).all()
