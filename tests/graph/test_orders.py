"""Memory orders: copies stand only where neighbours differ."""

from __future__ import annotations

import numpy as np
import pytest

from declnet.graph.kernels import Kernels
from declnet.graph.lifetimes import plan_memory
from declnet.graph.nodes import infer_nodes
from declnet.graph.orders import staged_reads, value_orders
from declnet.graph.training_graph import TrainingGraph
from declnet_layers import Dense, Flatten, ReLU


class SampleMajor(ReLU):
    """A layer that is fast with the batch axis first."""

    memory_order = "batch_first"


def plan_of(*layers):
    nodes = infer_nodes(layers, (4,))
    orders = value_orders(nodes)
    return orders[1:], staged_reads(nodes, orders)


def test_a_layer_that_takes_any_order_follows_the_one_before():
    orders, staged = plan_of(Dense(units=3), SampleMajor(), ReLU(), Flatten(), Dense(units=2))
    assert orders == ("batch_last", *["batch_first"] * 3, "batch_last")
    assert staged == {(1, 0): "batch_first"}  # dense reads either; only SampleMajor wants a copy


def test_neighbours_of_one_order_need_no_copies():
    assert plan_of(Dense(units=3), ReLU(), Dense(units=2))[1] == {}
    assert plan_of(SampleMajor(), SampleMajor(), ReLU())[1] == {}


def test_the_layer_sees_the_order_that_it_declares(make_model, registry, toys):
    seen = []

    class Watching(SampleMajor):
        def forward(self, x, y, state):
            seen.append((x.flags.c_contiguous, y.flags.c_contiguous))
            super().forward(x, y, state)

    model = make_model((Dense(units=3), Watching(), Dense(units=3)), input_shape=(3,))
    TrainingGraph(model, toys.HalfSquares(), 5, 0, Kernels(registry)).step(
        np.ones((5, 3)), np.ones((5, 3))
    ).run()
    model.predict(np.ones((5, 3)))
    assert seen == [(True, True)] * 2


@pytest.mark.parametrize("training", [False, True])
def test_reshaping_takes_no_memory_of_its_own(training):
    plain = infer_nodes((Dense(units=6), ReLU(), Dense(units=2)), (4,))
    reshaped = infer_nodes((Dense(units=6), Flatten(), ReLU(), Flatten(), Dense(units=2)), (4,))
    sizes = [sum(plan_memory(nodes, training=training).sizes) for nodes in (plain, reshaped)]
    assert sizes[0] == sizes[1]
