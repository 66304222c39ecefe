"""Memory orders: copies only between layers that differ."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet.graph.kernels import Kernels
from declnet.graph.memory_plan import Ending, plan_memory
from declnet.graph.shapes import infer_nodes
from declnet.graph.training_graph import TrainingGraph
from declnet_plugins.standard.layers import Dense, Flatten, ReLU, Softmax


class SampleMajor(ReLU):
    """A layer that is fast with the batch axis first."""

    memory_order = "batch_first"


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


class Memory:
    """Blocks, each with the names of the values that it holds: several, if they are views."""

    def __init__(self, sizes):
        self.sizes, self.holds = sizes, {}

    def step(self, reads, writes, in_place=False, view=False):
        """One call: its reads must be intact, its writes must not run into them."""
        for block, value in reads:
            assert value in self.holds[block]
        if view and {block for block, _ in reads[:1]} == {block for block, _, _ in writes}:
            self.holds[writes[0][0]].add(writes[0][1])
            return
        blocks = [block for block, _, _ in writes]
        assert len(set(blocks)) == len(blocks)
        if not in_place:
            assert not set(blocks) & {block for block, _ in reads}
        for block, value, size in writes:
            assert self.sizes[block] >= size
            self.holds[block] = {value}


def execute(nodes, plan, *, training, fused):
    memory, last = Memory(plan.sizes), len(nodes)
    size = [None, *(prod(node.output_shape) for node in nodes)]
    needed = [False]
    for node in nodes:
        trains = any(parameter.trainable for parameter in node.parameters.values())
        needed.append(trains or any(needed[value] for value in node.inputs))

    def x_of(node):
        return [(plan.activations[v], f"y{v}") for v in node.inputs if v]

    def y_of(value):
        return (plan.activations[value], f"y{value}")

    def may_overwrite(node):
        alone = node.layer.in_place and len(node.inputs) == 1
        return alone and not (fused and node is nodes[-1])

    def is_view(node):
        return node.layer.only_reshapes

    for node in nodes:
        writes = [(*y_of(node.index + 1), size[node.index + 1])]
        memory.step(x_of(node), writes, may_overwrite(node), is_view(node))
    if not training:
        assert f"y{last}" in memory.holds[plan.activations[last]]
        return
    assert list(plan.needs_gradient) == needed
    complete = set()
    start = nodes[-1].inputs[0] if fused else last
    if needed[start]:
        reads = [y_of(last), *(x_of(nodes[-1]) if fused else [])]
        memory.step(reads, [(plan.gradients[start], f"d{start}", size[start])])
        complete.add(start)
    for node in reversed(nodes[:-1] if fused else nodes):
        value = node.index + 1
        if not needed[value]:
            continue
        reads = [(plan.gradients[value], f"d{value}")]
        reads += x_of(node) if "x" in node.layer.backward_needs else []
        reads += [y_of(value)] if "y" in node.layer.backward_needs else []
        writes, sums = [], []
        for position, source in enumerate(node.inputs):
            if not needed[source]:
                continue
            if source in complete:
                spare = plan.accumulators[node.index, position]
                writes.append((spare, f"part{position}", size[source]))
                sums.append((source, spare, f"part{position}"))
            else:
                writes.append((plan.gradients[source], f"d{source}", size[source]))
                complete.add(source)
        memory.step(reads, writes, may_overwrite(node), is_view(node))
        for source, spare, part in sums:
            total = (plan.gradients[source], f"d{source}")
            memory.step([total, (spare, part)], [(*total, size[source])], in_place=True)
    assert f"y{last}" in memory.holds[plan.activations[last]]
    assert plan.gradients[0] is None


@given(data=st.data(), training=st.booleans())
def test_no_two_values_that_live_at_once_share_a_block(dags, data, training):
    nodes = infer_nodes(data.draw(dags()), (3,))
    execute(nodes, plan_memory(nodes, training=training), training=training, fused=False)


@given(data=st.data())
def test_nor_do_they_where_the_last_layer_is_fused_with_the_loss(dags, data):
    layers = (*data.draw(dags()), Softmax(name="end"))
    nodes = infer_nodes(layers, (3,))
    execute(
        nodes,
        plan_memory(nodes, training=True, endings=[Ending(len(nodes) - 1, 1)]),
        training=True,
        fused=True,
    )


def test_a_layer_that_can_works_in_place():
    nodes = infer_nodes((Dense(units=5), ReLU(), Dense(units=2), Softmax()), (4,))
    plan = plan_memory(nodes, training=True)
    assert plan.activations[1] == plan.activations[2]
    assert plan.gradients[1] == plan.gradients[2]


def test_a_prediction_through_many_layers_needs_two_blocks():
    nodes = infer_nodes((Dense(units=5), ReLU()) * 10, (4,))
    assert plan_memory(nodes, training=False).sizes == (5, 5)
