"""The arrays of a compiled graph, and views of them for one batch size.

An array for samples of shape s is one flat block, viewed with the batch axis first but contiguous
along it. A sum over features then runs along contiguous samples, a bias is added along contiguous
memory, and flattening an image costs nothing. A shorter batch has a contiguous view of the same
block.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from math import prod
from typing import Any, Self

import numpy as np

from declnet.contracts.arrays import Array, Dtype, Shape, read_only
from declnet.contracts.execution.kernel import Call
from declnet.contracts.network.inputs import Batch, sample_count
from declnet.contracts.network.parameter import LayerState, Workspace
from declnet.graph.gradients import GradientArrays
from declnet.graph.memory_plan import Ending, Order, Plan, Reader, plan_memory
from declnet.graph.parameters import Parameters, layer_state
from declnet.graph.schedules import ScheduledValues
from declnet.graph.shapes import Network, Node


def batch_view(block: Array, shape: Shape, n: int, order: Order = "batch_last") -> Array:
    """Return the start of a flat block as n samples of a shape, in either memory order.

    Returns:
        A view of shape (n, *shape). Each n has its own contiguous view, since slicing a larger one
        makes ufuncs two to three times slower.
    """
    if not shape:
        return block[:n]
    if order == "batch_first":
        return block[: n * prod(shape)].reshape(n, *shape)
    return np.moveaxis(block[: n * prod(shape)].reshape(*shape, n), -1, 0)


class Workspaces:
    """The workspaces of all layers; constant ones share one read-only array per value and dtype.

    Args:
        orders: memory order of each layer's output, which its per-sample workspaces have too.
    """

    def __init__(
        self, nodes: Sequence[Node], capacity: int, dtype: Dtype, orders: Sequence[Order]
    ) -> None:
        constants: dict[tuple[float | None, Dtype], Array] = {}
        for (fill, kind), size in constant_sizes(nodes, capacity, dtype).items():
            constants[fill, kind] = np.full(size, fill, kind)
            constants[fill, kind].flags.writeable = False
        self._orders = orders
        self._arrays = [
            {
                name: constants[_constant(buffer, dtype)]
                if buffer.constant
                else _allocate(buffer, capacity, dtype)
                for name, buffer in node.workspace.items()
            }
            for node in nodes
        ]

    def views(self, node: Node, n: int) -> dict[str, Array]:
        """Return a layer's workspaces by name, for batches of n samples."""
        views = {}
        for name, array in self._arrays[node.index].items():
            shape = node.workspace[name].shape
            if node.workspace[name].per_sample:
                views[name] = batch_view(array, shape, n, self._orders[node.index])
            else:
                views[name] = array[: prod(shape)].reshape(shape)
        return views


def workspace_bytes(nodes: Sequence[Node], dtype: Dtype, batch: int) -> int:
    """Return the size of all layers' workspaces in bytes, without allocating them."""
    unshared = sum(
        _size(buffer, batch) * workspace_dtype(buffer, dtype).itemsize
        for node in nodes
        for buffer in node.workspace.values()
        if not buffer.constant
    )
    shared = constant_sizes(nodes, batch, dtype)
    return unshared + sum(size * kind.itemsize for (_, kind), size in shared.items())


def constant_sizes(
    nodes: Sequence[Node], capacity: int, dtype: Dtype
) -> dict[tuple[float | None, Dtype], int]:
    """Return the size of the largest constant workspace for each value and dtype."""
    sizes: dict[tuple[float | None, Dtype], int] = {}
    for node in nodes:
        for buffer in node.workspace.values():
            if buffer.constant:
                key = _constant(buffer, dtype)
                sizes[key] = max(sizes.get(key, 0), _size(buffer, capacity))
    return sizes


def workspace_dtype(buffer: Workspace, dtype: Dtype) -> Dtype:
    """Return the dtype of a workspace: its own, or the model's float type."""
    return dtype if buffer.dtype is None else np.dtype(buffer.dtype)


def _allocate(buffer: Workspace, capacity: int, dtype: Dtype) -> Array:
    size, kind = _size(buffer, capacity), workspace_dtype(buffer, dtype)
    return np.empty(size, kind) if buffer.fill is None else np.full(size, buffer.fill, kind)


def _size(buffer: Workspace, capacity: int) -> int:
    return prod(buffer.shape) * (capacity if buffer.per_sample else 1)


def _constant(buffer: Workspace, dtype: Dtype) -> tuple[float | None, Dtype]:
    return buffer.fill, workspace_dtype(buffer, dtype)


class GraphMemory:
    """All memory of a compiled graph, for batches of up to `capacity` samples.

    Args:
        gradients: in training, where the layers write their gradients.
        frozen: in training, the layers whose parameters are not trained.
        schedules: in training, sets the values of scheduled fields.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        plan: Plan,
        parameters: Parameters,
        capacity: int,
        rngs: Sequence[np.random.Generator],
        gradients: GradientArrays | None = None,
        frozen: Collection[int] = (),
        schedules: ScheduledValues | None = None,
    ) -> None:
        self.nodes, self.plan, dtype = nodes, plan, parameters.vector.dtype
        self.blocks = [np.empty(size * capacity, dtype) for size in plan.sizes]
        self._workspaces = Workspaces(nodes, capacity, dtype, plan.orders[1:])
        self._parameters, self._rngs = parameters, rngs
        self._gradients, self._frozen = gradients, frozen
        values = schedules if schedules is not None else ScheduledValues(1)
        self._now = [values.of(node.layer) for node in nodes]

    @classmethod
    def of_forward(
        cls,
        network: Network,
        parameters: Parameters,
        capacity: int,
        streams: Sequence[np.random.Generator],
        total: int,
        step: int,
        frozen: Collection[int] = (),
        preserved: Sequence[int] = (),
    ) -> Self:
        """Return the memory of layers that are called forward in any way, without kernels.

        No layer overwrites its inputs.

        Args:
            streams: the layers' random streams; there may be more.
            total: number of updates in the whole training, for schedules.
            step: the step whose values scheduled fields have.
            preserved: the layers whose outputs share no memory; default: the network's outputs.
        """
        nodes, schedules = network.nodes, ScheduledValues(total)
        endings = tuple(map(Ending, preserved))
        plan = plan_memory(network, training=False, endings=endings, in_place=False)
        streams = streams[: len(nodes)]
        memory = cls(nodes, plan, parameters, capacity, streams, None, frozen, schedules)
        schedules.begin(step)
        return memory

    def additions(self, node: Node) -> tuple[Call, ...]:
        """Return the calls that add the gradients of shared parameters, after a backward."""
        return () if self._gradients is None else self._gradients.additions[node.index]

    def states(self, n: int) -> list[LayerState]:
        """Return the state of each layer for batches of n samples."""
        return [
            layer_state(
                node,
                self._parameters,
                self._workspaces.views(node, n),
                rng,
                None if self._gradients is None else self._gradients.arrays[node.index],
                now,
                frozen=node.index in self._frozen,
            )
            for node, rng, now in zip(self.nodes, self._rngs, self._now, strict=True)
        ]


class BatchArrays:
    """The values, gradients and layer states of a graph for one batch.

    Args:
        x: the model's inputs, (n, *input shape) each; layers get them read-only.
    """

    def __init__(self, memory: GraphMemory, x: Batch) -> None:
        self._n = sample_count(x)
        self.plan, self.states = memory.plan, memory.states(self._n)
        self.nodes, self._blocks = memory.nodes, memory.blocks
        self.additions = memory.additions
        self._x, self._read_only = x, {name: read_only(array) for name, array in x.items()}
        self._values: list[Array] = [np.empty(0)]  # value 0 is read by name
        for value, block in enumerate(self.plan.activations):
            if block is not None:
                self._values.append(self._view(value, block, self.plan.orders[value]))

    def output(self, node: Node) -> Array:
        """Return the array that a layer writes."""
        return self._values[node.index + 1]

    def inputs(self, node: Node) -> Any:
        """Return what a layer reads: an array, or a tuple if it takes many inputs."""
        arrays = tuple(self.read((node.index, position)) for position in range(len(node.inputs)))
        return arrays if node.takes_many_inputs else arrays[0]

    def kernel_input(self, node: Node) -> Any:
        """Return the same for a kernel that starts at a layer.

        The model's inputs are writeable, since compiled code is typed by that.
        """
        arrays = tuple(
            self.read((node.index, position)) if name is None else self._x[name]
            for position, name in enumerate(node.reads)
        )
        return arrays if node.takes_many_inputs else arrays[0]

    def read(self, reader: Reader) -> Array:
        """Return one input of a layer: the value itself, or its copy in another memory order."""
        node, position = self.nodes[reader[0]], reader[1]
        value, name = node.inputs[position], node.reads[position]
        if name is not None:
            return self._read_only[name]
        if reader in self.plan.layout_copies:
            return self._view(value, self.plan.layout_copies[reader], self.plan.copy_orders[reader])
        return self._values[value]

    def copies(self, node: Node) -> list[Call]:
        """Return the calls that copy a layer's inputs into its memory order."""
        return [
            partial(np.copyto, self.read((node.index, position)), self._values[value])
            for position, value in enumerate(node.inputs)
            if (node.index, position) in self.plan.layout_copies
        ]

    def gradient(self, value: int) -> Array | None:
        """Return the gradient of a value; None if it is not needed."""
        block = self.plan.gradients[value]
        return None if block is None else self._view(value, block, self.plan.orders[value])

    def gradient_target(self, node: Node, position: int) -> tuple[Array | None, list[Call]]:
        """Return where a layer writes the gradient of one of its inputs, and the calls that follow.

        Returns:
            The array, or None if that gradient is not needed; and the calls that copy it, or add it
            to the gradient from other readers of the value.
        """
        return self.written_gradient(node.inputs[position], (node.index, position))

    def loss_gradient(self, output: Node, number: int) -> tuple[Array | None, list[Call]]:
        """Return the same for a loss: where it writes the gradient of the output that it takes.

        Args:
            number: the position of the loss among all losses.
        """
        return self.written_gradient(output.index + 1, (len(self.nodes) + number, 0))

    def written_gradient(self, value: int, writer: Reader) -> tuple[Array | None, list[Call]]:
        """Return where a writer writes the gradient of a value, and the calls that follow."""
        total, block = self.gradient(value), self.plan.accumulators.get(writer)
        if total is None or block is None:
            return total, []
        order = self.plan.copy_orders.get(writer, self.plan.orders[value])
        spare = self._view(value, block, order)
        if self.plan.first_writer[value] == writer:
            return spare, [partial(np.copyto, total, spare)]
        return spare, [partial(np.add, total, spare, total)]

    def _view(self, value: int, block: int, order: Order) -> Array:
        return batch_view(self._blocks[block], self.nodes[value - 1].output_shape, self._n, order)
