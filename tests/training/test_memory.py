"""Memory estimates against allocated memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from declnet import parse_spec, run
from declnet.training.checks.check import check_spec
from declnet_plugins.standard.layers.activations import ReLU, Softmax
from declnet_plugins.standard.layers.dense import Dense

LAYERS = (Dense(units=300), ReLU(), Dense(units=200), ReLU(), Dense(units=10), Softmax())


def peak(spec):
    tracemalloc.start()
    try:
        run(spec)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture
def sized(document):
    """Return a network that is large compared with Python's allocations."""

    def make(epochs, batch_size=64):
        document["data"]["train"] = {"type": "nnfs_spiral", "samples": 1000, "classes": 3}
        document["model"]["layers"][0]["units"] = 500
        document["training"] = {"epochs": epochs, "log_every": 10**6, "batch_size": batch_size}
        return parse_spec(document)

    return make


def test_memory_does_not_grow_with_epochs(sized):
    peak(sized(1))  # imports modules
    assert peak(sized(12)) == pytest.approx(peak(sized(3)), rel=0.02)


@pytest.fixture
def convolutional(tmp_path):
    """Return a convolutional network on images smaller than its activations."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(128, 3, 32, 32)).astype("float32")
    np.savez(tmp_path / "images.npz", x=images, y=rng.integers(0, 4, 128))
    layers = [
        {"type": "conv2d", "filters": 16, "kernel_size": 3, "padding": "same"},
        "batch_norm",
        "relu",
        {"type": "max_pool2d", "pool_size": 2},
        {"type": "conv2d", "filters": 32, "kernel_size": 3, "padding": "same"},
        "relu",
        "flatten",
        {"type": "dense", "units": 4},
        "softmax",
    ]
    document = {
        "data": {"train": {"type": "npz", "path": str(tmp_path / "images.npz")}},
        "model": {"layers": layers},
        "loss": "categorical_crossentropy",
        "optimizer": "adam",
        "training": {"epochs": 1, "batch_size": 64},
    }
    return parse_spec(document)


@pytest.mark.parametrize("kind", ["small batches", "one batch", "images"])
def test_the_estimate_matches_the_memory_of_a_run(sized, convolutional, kind):
    spec = convolutional if kind == "images" else sized(2, 64 if kind == "small batches" else 3000)
    peak(spec)
    forecast = sum(check_spec(spec).memory.values())
    assert peak(spec) == pytest.approx(forecast, rel=0.15)
