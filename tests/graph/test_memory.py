from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from declnet.graph.inference import inference_memory
from declnet.graph.kernels import Kernels
from declnet.graph.model import Model
from declnet.graph.shapes import infer_nodes
from declnet.graph.training_graph import TrainingGraph
from declnet.graph.update import Update
from declnet.training.memory import training_memory
from declnet_standard.layers import Dense, ReLU, Softmax
from declnet_standard.losses import CategoricalCrossentropy
from declnet_standard.optimizers import Adam

LAYERS = (Dense(units=300), ReLU(), Dense(units=200), ReLU(), Dense(units=10), Softmax())


def traced(work):
    """What work() returns, and the bytes that it holds."""
    tracemalloc.start()
    try:
        kept = work()
        return kept, tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_forecast_of_a_training_is_what_it_allocates(dtype, registry):
    nodes = infer_nodes(LAYERS, (100,))
    memory = training_memory(nodes, Adam(), dtype, 512, fused=True)

    def work():
        model = Model(nodes, (100,), dtype)
        graph = TrainingGraph(model, CategoricalCrossentropy(), 512, 0, Kernels(registry))
        return graph, Update(Adam(), model.store.vector, graph.gradient, 100)

    work()  # imports done
    _, held = traced(work)
    assert held == pytest.approx(sum(memory.values()), rel=0.05)
    assert (
        memory["parameters"]
        == (100 * 300 + 300 + 300 * 200 + 200 + 2010) * np.dtype(dtype).itemsize
    )


def test_the_forecast_of_a_prediction_is_what_it_allocates():
    nodes = infer_nodes(LAYERS, (100,))
    model = Model(nodes, (100,), "float32")
    x = np.zeros((1024, 100), np.float32)
    model._graph(1)
    _, held = traced(lambda: model._graph(1024))
    assert held == pytest.approx(inference_memory(nodes, "float32", 1024), rel=0.05)
    assert model.predict(x).shape == (1024, 10)


def test_the_forecast_of_a_huge_model_allocates_nothing():
    nodes = infer_nodes((Dense(units=10**6), Dense(units=10**6)), (10**6,))
    memory, held = traced(lambda: training_memory(nodes, Adam(), "float32", 64, fused=False))
    assert memory["parameters"] == 4 * 2 * (10**12 + 10**6)
    assert held < 10**6
