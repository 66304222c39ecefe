"""Running statistics for given weights: their means over the batches of the training data.

They are needed if a callback restores parameters that no update led to, such as an average. A
forward graph in training mode runs over the batches of the next epoch with `state.measuring`, and
random streams and the order of samples are restored, so an interrupted end of a run repeats to the
same bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.network.inputs import Batch
from declnet.graph.arrays import BatchArrays, GraphMemory
from declnet.graph.kernels import forward_calls
from declnet.graph.memory_plan import plan_memory
from declnet.graph.model import Model
from declnet.graph.schedules import ScheduledValues
from declnet.graph.shapes import frozen_nodes


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
    schedules, plan = ScheduledValues(total), plan_memory(model.network, training=False)
    memory = GraphMemory(
        model.nodes,
        plan,
        store,
        capacity,
        streams[: len(model.nodes)],
        frozen=frozen,
        schedules=schedules,
    )
    schedules.begin(step)
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
