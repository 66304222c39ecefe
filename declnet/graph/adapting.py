"""What changes parameters outside of steps: data-driven initializers, and running statistics.

Initializers see the first step's batch, or more samples (`Initializer.adapt_samples`), in forward
order, in a separate graph up to the last layer that needs it. Random streams, the shuffle and
running statistics are restored, so the step is the same as without.

Running statistics are computed anew if a callback restores parameters that no update led to, such
as an average: as means over the batches of the next epoch, for which layers compute with
`state.measuring`. Random streams and the order of samples are restored, so an interrupted end of a
run repeats to the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from declnet.contracts.arrays import Array, read_only
from declnet.contracts.network.inputs import Batch, sample_count
from declnet.contracts.network.parameter import Initializer
from declnet.contracts.returned import verified
from declnet.graph.arrays import BatchArrays, GraphMemory
from declnet.graph.kernels import forward_calls
from declnet.graph.model import Model
from declnet.graph.parameters import Slot, initializer_of, slots_of
from declnet.graph.shapes import Network, Node, frozen_nodes
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
    network, store = adapted_part(model.network, adapting), model.store
    memory = GraphMemory.of_forward(network, store, sample_count(x), streams, total, step=1)
    batch = BatchArrays(memory, x)
    for state in batch.states:
        state.training = True
    for node in network.nodes:
        in_layer = [
            (slot, initializer) for slot, initializer in adapting if slot.node == node.index
        ]
        layer = _RepeatableLayer(model, node, batch)
        rng = rng_of(node.index)
        for slot, initializer in in_layer:
            w = store.arrays[slot.key]
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


def recompute_statistics(
    model: Model,
    batches: Iterable[Batch],
    capacity: int,
    streams: Sequence[np.random.Generator],
    total: int,
    epoch: int,
    step: int,
) -> None:
    """Replace running statistics by their means over batches, each batch counting once.

    Layers run as in training, without a loss. Equivalent to PyTorch's
    `torch.optim.swa_utils.update_bn`, except that frozen layers keep their statistics.

    Args:
        batches: the inputs of each batch, (n, *input shape) each; an array may be reused for later
            batches.
        capacity: the size of the largest batch.
        streams: the layers' random streams, which they draw from; there may be more.
        total: number of updates in the whole training, for schedules.
        epoch: the epoch, which decides on frozen layers.
        step: the step whose values scheduled fields have.
    """
    store, frozen = model.store, frozen_nodes(model.nodes, epoch)
    measured: dict[int, list[Array]] = {}
    for node in model.nodes:
        slots = store.of_layer.get(node.owner, ()) if node.index not in frozen else ()
        statistics = [store.arrays[slot.key] for slot in slots if slot.parameter.running_statistic]
        if statistics:
            measured[node.index] = statistics
    if not measured:
        return
    memory = GraphMemory.of_forward(model.network, store, capacity, streams, total, step, frozen)
    means = {id(array): _Mean(array) for arrays in measured.values() for array in arrays}
    for x in batches:
        batch = BatchArrays(memory, x)
        for state in batch.states:
            state.training = state.measuring = True
        for node in model.nodes[: max(measured) + 1]:
            for call in forward_calls(node, batch):
                call()
            for array in measured.get(node.index, ()):
                means[id(array)].add()
    for mean in means.values():
        np.copyto(mean.array, mean.value)


class _Mean:
    """The mean of an array's values over time."""

    def __init__(self, array: Array) -> None:
        self.array, self.value, self._count = array, np.zeros_like(array), 0

    def add(self) -> None:
        """Add the array's current value."""
        self._count += 1
        self.value += (self.array - self.value) / self._count
