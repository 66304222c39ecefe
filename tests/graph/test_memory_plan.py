"""Memory orders and in-place layers: how many blocks a model needs."""

from __future__ import annotations

import numpy as np
import pytest

from declnet.graph.kernels import Kernels
from declnet.graph.memory_plan import plan_memory
from declnet.graph.shapes import infer_network
from declnet.graph.training_graph import TrainingGraph
from declnet.spec.heads import Head
from declnet_plugins.standard.layers.activations import ReLU, Softmax
from declnet_plugins.standard.layers.dense import Dense
from declnet_plugins.standard.layers.reshaping import Flatten


class SampleMajor(ReLU):
    """A layer whose fast order is `batch_first`."""

    memory_order = "batch_first"


def test_a_layer_gets_the_order_that_it_declares(make_model, registry, toys):
    seen = []

    class Watching(SampleMajor):
        def forward(self, x, y, state):
            seen.append((x.flags.c_contiguous, y.flags.c_contiguous))
            super().forward(x, y, state)

    model = make_model((Dense(units=3), Watching(), Dense(units=3)), input_shape=(3,))
    heads = [Head("", toys.HalfSquares())]
    graph = TrainingGraph(model, heads, 5, 0, Kernels(registry))
    graph.step({"": np.ones((5, 3))}, [np.ones((5, 3))]).run()
    model.predict(np.ones((5, 3)))
    assert seen == [(True, True)] * 2


@pytest.mark.parametrize("training", [False, True])
def test_reshaping_takes_no_memory(training):
    plain = infer_network((Dense(units=6), ReLU(), Dense(units=2)), (4,))
    reshaped = infer_network((Dense(units=6), Flatten(), ReLU(), Flatten(), Dense(units=2)), (4,))
    sizes = [sum(plan_memory(network, training=training).sizes) for network in (plain, reshaped)]
    assert sizes[0] == sizes[1]


def test_an_in_place_layer_takes_no_memory():
    network = infer_network((Dense(units=5), ReLU(), Dense(units=2), Softmax()), (4,))
    plan = plan_memory(network, training=True)
    assert plan.activations[1] == plan.activations[2]
    assert plan.gradients[1] == plan.gradients[2]


def test_a_prediction_through_many_layers_needs_two_blocks():
    network = infer_network((Dense(units=5), ReLU()) * 10, (4,))
    assert plan_memory(network, training=False).sizes == (5, 5)
