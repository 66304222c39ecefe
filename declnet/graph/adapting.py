"""Data-driven initialization: initializers that see their layer's first batch, in forward order.

They see the first step's batch, or more samples (`Initializer.adapt_samples`), in a separate
forward graph up to the last layer that needs it. Random streams, the shuffle and running statistics
are restored, so the step is the same as without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from declnet.contracts.arrays import Array, read_only
from declnet.contracts.network.inputs import Batch, sample_count
from declnet.contracts.network.parameter import Initializer
from declnet.contracts.returned import verified
from declnet.graph.arrays import BatchArrays, GraphMemory
from declnet.graph.initializers import initializer_of
from declnet.graph.kernels import forward_calls
from declnet.graph.memory_plan import plan_memory
from declnet.graph.model import Model
from declnet.graph.parameters import Slot, slots_of
from declnet.graph.schedules import ScheduledValues
from declnet.graph.shapes import Network, Node
from declnet.registry.registry import Registry


def adapting_slots(nodes: Sequence[Node], registry: Registry) -> list[tuple[Slot, Initializer]]:
    """Return the parameters whose initializer is data-driven, in forward order.

    Invalid initializers, which are errors of their own, are left out.
    """
    adapting = []
    for slot in slots_of(nodes):
        try:
            initializer = initializer_of(slot.parameter, registry)
        except (PydanticCustomError, ValidationError):
            continue
        if type(initializer).adapt is not Initializer.adapt:
            adapting.append((slot, initializer))
    return adapting


def samples_to_adapt(adapting: Sequence[tuple[Slot, Initializer]], batch: int) -> int:
    """Return how many samples initializers see, if there are so many: at least the first batch."""
    return max(batch, *(initializer.adapt_samples for _, initializer in adapting))


def adapted_part(network: Network, adapting: Sequence[tuple[Slot, Initializer]]) -> Network:
    """Return the layers that run: those up to the last one that is adapted."""
    last = max(slot.node for slot, _ in adapting)
    return Network(network.nodes[: last + 1], network.inputs, (last,))


def adapt_parameters(
    model: Model,
    adapting: Sequence[tuple[Slot, Initializer]],
    x: Batch,
    streams: Sequence[np.random.Generator],
    rng_of: Callable[[int], np.random.Generator],
    total: int,
) -> None:
    """Let data-driven initializers change a model's parameters, as its first step begins.

    Layers run as in that step, each on the output of layers that are already adapted.
    Parameters that are not trainable keep their values, unless their initializer changes them.

    Args:
        adapting: what `adapting_slots` returned.
        x: the inputs of the first samples, (n, *input shape) each.
        streams: the layers' random streams, which layers draw from; there may be more.
        rng_of: returns the stream for the initializers of a layer, by its position.
        total: number of updates in the whole training, for schedules.
    """
    network, schedules = adapted_part(model.network, adapting), ScheduledValues(total)
    nodes, plan = network.nodes, plan_memory(network, training=False, in_place=False)
    streams = streams[: len(nodes)]
    memory = GraphMemory(nodes, plan, model.store, sample_count(x), streams, schedules=schedules)
    schedules.begin(1)
    batch = BatchArrays(memory, x)
    for state in batch.states:
        state.training = True
    for node in nodes:
        in_layer = [
            (slot, initializer) for slot, initializer in adapting if slot.node == node.index
        ]
        layer = _RepeatableLayer(model, node, batch)
        rng = rng_of(node.index)
        for slot, initializer in in_layer:
            w = model.store.arrays[slot.key]
            verified(Initializer.adapt, initializer, w, layer.x, layer.forward, rng)
        layer.forward()


class _RepeatableLayer:
    """A layer whose forward gives the same each time, and changes nothing but its output.

    Attributes:
        x: its input, only read; a tuple if it takes many.
    """

    def __init__(self, model: Model, node: Node, batch: BatchArrays) -> None:
        for copy in batch.copies(node):
            copy()
        self._calls, self._y = forward_calls(node, batch), batch.output(node)
        inputs = batch.inputs(node)
        many = node.takes_many_inputs
        self.x: Any = tuple(map(read_only, inputs)) if many else read_only(inputs)
        self._statistics = [
            model.store.arrays[slot.key]
            for slot in model.store.of_layer.get(node.owner, ())
            if not slot.parameter.trainable
        ]
        self._rng = batch.states[node.index].rng
        self._start = self._rng.bit_generator.state

    def forward(self) -> Array:
        """Return the output for the current parameters, (n, *output shape), to be read only."""
        self._rng.bit_generator.state = self._start
        before = [(array, array.copy()) for array in self._statistics]
        for call in self._calls:
            call()
        for array, values in before:
            np.copyto(array, values)
        return read_only(self._y)
