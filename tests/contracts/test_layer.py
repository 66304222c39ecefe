"""Layers that give a function and its derivative, in the real graph."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import Elementwise, parse_spec, run
from declnet.graph.kernels import Kernels
from declnet.graph.model import Model
from declnet.graph.shapes import infer_nodes
from declnet.graph.training_graph import TrainingGraph
from declnet.registry.discovery import default_registry
from declnet_standard.layers import Dense
from declnet_standard.losses import MeanSquaredError


class Cube(Elementwise):
    """y = x**3; f'(x) = 3 x**2."""

    type = "cube"
    backward_needs = frozenset({"x"})

    def value(self, x, y, scratch):
        np.multiply(x, x, out=scratch)
        np.multiply(x, scratch, out=y)

    def derivative(self, x, y, slope):
        assert y is None
        np.multiply(x, x, out=slope)
        np.multiply(slope, 3, out=slope)


class Exponential(Elementwise):
    """y = exp(x); f'(x) = y."""

    type = "exponential"
    backward_needs = frozenset({"y"})
    in_place = True

    def value(self, x, y, scratch):
        np.exp(x, out=y)

    def derivative(self, x, y, slope):
        assert x is None
        np.copyto(slope, y)


@pytest.mark.parametrize("layer", [Cube(), Exponential()], ids=lambda layer: layer.type)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_gradient_is_that_of_central_differences(layer, dtype):
    registry = default_registry()
    layers = (Dense(units=4), layer, Dense(units=2))
    model = Model(infer_nodes(layers, (3,)), (3,), dtype)
    model.store.initialize(1, registry)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 3)).astype(dtype), rng.normal(size=(5, 2)).astype(dtype)
    graph = TrainingGraph(model, MeanSquaredError(), 5, 0, Kernels(registry))
    step = graph.step(x, y)
    step.run()
    gradient = graph.gradient.copy()
    if dtype == "float32":
        assert np.isfinite(gradient).all()
        return
    vector, small = model.store.vector, 1e-6
    for index in range(0, len(vector), 3):
        start = vector[index]
        losses = []
        for shift in (small, -small):
            vector[index] = start + shift
            losses.append(step.run())
        vector[index] = start
        assert (losses[0] - losses[1]) / (2 * small) == pytest.approx(gradient[index], rel=1e-5)


def test_it_learns_in_a_run():
    spec = parse_spec(
        {
            "declnet": 1,
            "model": {
                "layers": [{"type": "dense", "units": 8}, Cube(), {"type": "dense", "units": 1}]
            },
            "loss": "mean_squared_error",
            "optimizer": {"type": "adam", "learning_rate": 0.02},
            "training": {"epochs": 300},
        }
    )
    x = np.linspace(-1, 1, 60)[:, None]
    result = run(spec, (x, x[:, 0] ** 3))
    assert result.metrics["train"]["loss"] < 0.01 * result.history[0]["loss"]
