"""Memory sharing between values: each lives from the call that writes it to its last read.

The calls of a training pass over L layers and H losses: forward of layer i at time i; loss h, with
the layers fused with it, at L + 2h; its gradient at L + 2h + 1; backward of layer i at
2L + 2H - 1 - i.

Two arrays whose lifetimes do not overlap share a block of memory. An array that a layer leaves out
of `backward_needs` is freed before its backward; an `in_place` layer reuses its input's block for
its output, and its output gradient's block for its input gradient, if nothing else reads them. The
last layer's output lives for the whole step, for the metrics. If several layers read a value, the
first one to run backward writes its gradient, and the others write to memory that is then added.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import prod
from typing import Literal

from declnet.graph.shapes import Network, Node

Order = Literal["batch_last", "batch_first"]


def value_orders(nodes: Sequence[Node]) -> tuple[Order, ...]:
    """Return the memory order of each value; a layer that takes any order keeps x's.

    The model's inputs, value 0, are listed as batch-first, but read in whatever order they have.
    """
    orders: list[Order] = ["batch_first"]
    for node in nodes:
        declared = node.layer.memory_order
        if declared != "any":
            orders.append(declared)
        else:
            orders.append(orders[node.inputs[0]] if node.inputs[0] else "batch_last")
    return tuple(orders)


def copied_reads(nodes: Sequence[Node], orders: Sequence[Order]) -> dict[tuple[int, int], Order]:
    """Return the reads that need a copy of a value, by layer and position, with their order."""
    layout_copies: dict[tuple[int, int], Order] = {}
    for node in nodes:
        if node.layer.input_order == "any":
            continue
        order = node.layer.input_order or orders[node.index + 1]
        for position, value in enumerate(node.inputs):
            if value and orders[value] != order:
                layout_copies[node.index, position] = order
    return layout_copies


Reader = tuple[int, int]
"""A layer and the position of one of its inputs, or L + h and 0 for loss h: it reads a value and
writes its gradient."""


@dataclass(frozen=True)
class Ending:
    """The arrays that a loss takes, for the plan.

    Attributes:
        output: the index of the layer whose output it takes.
        fused: how many layers up to that one are fused with the loss; only the loss reads it then.
    """

    output: int
    fused: int = 0

    @property
    def layers(self) -> range:
        """The indices of the layers that are fused with the loss."""
        return range(self.output + 1 - self.fused, self.output + 1)


@dataclass(frozen=True)
class Plan:
    """The block of each value; None for values that are not needed.

    Attributes:
        activations: the block of each value; 0, the model's inputs, has none.
        gradients: the block of each value's gradient.
        layout_copies: blocks for copies of values that a reader needs in another memory order.
        accumulators: blocks for gradients that are added to an earlier one, or reordered.
        orders: memory order of each value and its gradient.
        copy_orders: memory order of each copy.
        needs_gradient: for each value, whether a parameter that is trained precedes it.
        first_writer: for each value, the reader that writes the gradient instead of adding to it.
    """

    activations: tuple[int | None, ...]
    gradients: tuple[int | None, ...]
    layout_copies: dict[Reader, int]
    accumulators: dict[Reader, int]
    orders: tuple[Order, ...]
    copy_orders: dict[Reader, Order]
    needs_gradient: tuple[bool, ...]
    first_writer: dict[int, Reader]
    sizes: tuple[int, ...]

    def is_view(self, node: Node) -> bool:
        """Return whether a layer that only reshapes has nothing to do, as y shares x's memory."""
        source = self.activations[node.inputs[0]]
        return node.layer.only_reshapes and source == self.activations[node.index + 1]

    def gradient_is_view(self, node: Node) -> bool:
        """Return whether its backward has nothing to do, as dx shares dy's memory."""
        source = self.gradients[node.inputs[0]]
        return node.layer.only_reshapes and source == self.gradients[node.index + 1]


@dataclass
class Life:
    """The lifetime of a value.

    Attributes:
        birth: the time of the step that writes it.
        death: the time of the last step that reads it.
    """

    birth: int
    death: int
    size: int
    block: int = -1


def allocate(lives: Sequence[Life]) -> tuple[int, ...]:
    """Assign each lifetime to a block: the smallest free one that fits, else an enlarged one.

    Returns:
        The size of each block, in numbers per sample.
    """
    sizes: list[int] = []
    held: list[tuple[int, int]] = []  # a heap of (death, block)
    free: list[tuple[int, int]] = []  # sorted (size, block)
    for life in sorted(lives, key=lambda life: life.birth):
        while held and held[0][0] < life.birth:
            _, block = heappop(held)
            insort(free, (sizes[block], block))
        if free:
            size = min(life.size, free[-1][0])
            _, life.block = free.pop(bisect_left(free, (size, 0)))
            sizes[life.block] = max(sizes[life.block], life.size)
        else:
            life.block = len(sizes)
            sizes.append(life.size)
        heappush(held, (life.death, life.block))
    return tuple(sizes)


class _Planner:
    def __init__(
        self,
        nodes: Sequence[Node],
        training: bool,
        endings: Sequence[Ending],
        joined: Sequence[Sequence[int]],
        frozen: Collection[int],
        in_place: bool,
    ) -> None:
        self.nodes, self.training, self.in_place = nodes, training, in_place
        self.lives: list[Life] = []
        self.count = len(self.nodes)
        self.end = 2 * self.count + 2 * len(endings)
        self.outputs = {ending.output + 1 for ending in endings}
        self.fused_with = {layer: h for h, ending in enumerate(endings) for layer in ending.layers}
        self.first_of = list(range(self.count))
        self.last_of = list(range(self.count))
        for chain in (*joined, *(ending.layers for ending in endings)):
            for index in chain:
                self.first_of[index], self.last_of[index] = chain[0], chain[-1]
        self.orders = value_orders(self.nodes)
        self.copy_orders = copied_reads(self.nodes, self.orders)
        self.readers: list[list[Reader]] = [[] for _ in range(self.count + 1)]
        for node in self.nodes:
            for position, value in enumerate(node.inputs):
                self.readers[value].append((node.index, position))
        for h, ending in enumerate(endings):
            if not ending.fused:
                self.readers[ending.output + 1].append((self.count + h, 0))
        self.needs_gradient = [False]
        for node in self.nodes:
            trainable = node.index not in frozen and any(
                parameter.trainable for parameter in node.parameters.values()
            )
            inherited = any(self.needs_gradient[value] for value in node.inputs)
            self.needs_gradient.append(self.training and (trainable or inherited))

    def is_fused(self, index: int) -> bool:
        return index in self.fused_with

    def forward_time(self, index: int) -> int:
        """Return when a layer, or the loss that it is fused with, is computed."""
        h = self.fused_with.get(index, index - self.count)
        return index if h < 0 else self.count + 2 * h

    def backward_time(self, index: int) -> int:
        time = self.forward_time(index)
        return self.end - 1 - time if time < self.count else time + 1

    def backward_end(self, index: int) -> int:
        """Return when the backward of a layer, or of the whole chain it is part of, ends."""
        return self.backward_time(self.first_of[index] if index < self.count else index)

    def reads_in_backward(self, index: int, what: str) -> bool:
        if not self.needs_gradient[index + 1]:
            return False
        return self.is_fused(index) or what in self.nodes[index].layer.backward_needs

    def last_use(self, reader: Reader) -> int:
        """Return the last time at which a reader reads a value, or its copy in another order."""
        index = reader[0]
        if index >= self.count or self.reads_in_backward(index, "x"):
            return self.backward_end(index)
        return self.forward_time(self.last_of[index])

    def last_read(self, value: int) -> int:
        if value in self.outputs:
            return self.end
        times = [self.forward_time(value - 1)]
        times += [
            self.forward_time(reader[0]) if reader in self.copy_orders else self.last_use(reader)
            for reader in self.readers[value]
        ]
        if self.reads_in_backward(value - 1, "y"):
            times.append(self.backward_end(value - 1))
        return max(times)

    def life(self, birth: int, death: int, size: int) -> Life:
        life = Life(birth, death, size)
        self.lives.append(life)
        return life

    def size(self, value: int) -> int:
        return prod(self.nodes[value - 1].output_shape)

    def activations(self) -> list[Life | None]:
        lives: list[Life | None] = [None]
        for node in self.nodes:
            death = self.last_read(node.index + 1)
            source = lives[node.inputs[0]]
            # y may share x's memory if x is not needed later, or is left unchanged
            if (
                source is not None
                and self.works_in_place(node)
                and (node.layer.only_reshapes or source.death == node.index)
            ):
                source.death = max(source.death, death)
                lives.append(source)
            else:
                birth = self.forward_time(node.index)
                lives.append(self.life(birth, death, self.size(node.index + 1)))
        return lives

    def layout_copies(self) -> dict[Reader, Life]:
        return {
            reader: self.life(
                self.forward_time(reader[0]),
                self.last_use(reader),
                self.size(self.nodes[reader[0]].inputs[reader[1]]),
            )
            for reader in self.copy_orders
        }

    def gradients(self) -> tuple[list[Life | None], dict[Reader, Life], dict[int, Reader]]:
        lives: list[Life | None] = [None] * (self.count + 1)
        accumulators: dict[Reader, Life] = {}
        first: dict[int, Reader] = {}
        for value in range(self.count, 0, -1):
            if not self.needs_gradient[value]:
                continue
            by_time = [
                (self.backward_time(reader[0]), reader[1], reader) for reader in self.readers[value]
            ]
            for _, _, writer in sorted(by_time):
                time = self.backward_time(writer[0])
                if value in first or writer in self.copy_orders:
                    accumulators[writer] = self.life(time, time, self.size(value))
                if value in first:
                    continue
                first[value] = writer
                death, alone = self.backward_end(value - 1), len(self.readers[value]) == 1
                above = lives[writer[0] + 1] if writer[0] < self.count and alone else None
                if above is not None and self.works_in_place(self.nodes[writer[0]]):
                    above.death = max(above.death, death)
                    lives[value] = above
                else:
                    lives[value] = self.life(time, death, self.size(value))
        return lives, accumulators, first

    def works_in_place(self, node: Node) -> bool:
        layer, shape = node.layer, node.input_shapes[0]
        return (
            self.in_place
            and (layer.in_place or layer.only_reshapes)
            and not node.takes_many_inputs
            and not self.is_fused(node.index)
            and (node.index, 0) not in self.copy_orders
            and self.orders[node.inputs[0]] == self.orders[node.index + 1]
            and (
                shape == node.output_shape
                or (layer.only_reshapes and prod(shape) == prod(node.output_shape))
            )
        )


def plan_memory(
    network: Network,
    *,
    training: bool,
    endings: Sequence[Ending] = (),
    joined: Sequence[Sequence[int]] = (),
    frozen: Collection[int] = (),
    in_place: bool = True,
) -> Plan:
    """Plan the blocks of a forward pass, or of forward and backward; a network keeps its plans.

    Args:
        training: whether there is a backward pass.
        endings: what each loss takes; default: the network's outputs, without a fusion.
        joined: chains of layers that one kernel computes, each as its layers' indices; their inputs
            live until the whole chain is done.
        frozen: the layers whose parameters are not trained; below the lowest layer that is trained
            there is no backward.
        in_place: whether layers that can may overwrite their inputs.
    """
    ends = tuple(endings) or tuple(map(Ending, network.outputs))
    chains = tuple(tuple(chain) for chain in joined if len(chain) > 1)
    key = training, ends, chains, frozenset(frozen), in_place
    return network.once(("plan", *key), lambda: _plan(_Planner(network.nodes, *key)))


def _plan(planner: _Planner) -> Plan:
    activations = planner.activations()
    layout_copies = planner.layout_copies()
    gradients, accumulators, first_writer = planner.gradients()
    sizes = allocate(planner.lives)
    return Plan(
        activations=tuple(life.block if life else None for life in activations),
        gradients=tuple(life.block if life else None for life in gradients),
        layout_copies={reader: life.block for reader, life in layout_copies.items()},
        accumulators={writer: life.block for writer, life in accumulators.items()},
        orders=planner.orders,
        copy_orders=planner.copy_orders,
        needs_gradient=tuple(planner.needs_gradient),
        first_writer=first_writer,
        sizes=sizes,
    )
