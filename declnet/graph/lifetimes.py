"""Plans which values share memory: each lives from the step that writes it to the last that reads.

The steps of a training pass over L layers: forward of layer i at time i; the loss at L; its
gradient at L + 1; backward of layer i at 2L + 1 - i.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

from declnet.graph.nodes import Node

Writer = tuple[int, int]
"""A layer and the position of one of its inputs: who writes a gradient of that input."""


@dataclass
class _Life:
    birth: int
    death: int
    size: int
    block: int = -1


@dataclass(frozen=True)
class Plan:
    """Which block each value is in; None for what is not needed.

    Attributes:
        activations: by value; 0, the model's input, has none.
        gradients: by value.
        spares: blocks for gradients that are added to an earlier one, by writer.
        needs_gradient: by value, whether a trainable parameter lies above it.
        first_writer: by value, whose gradient is written and not added.
        sizes: of each block, in numbers a sample.
    """

    activations: tuple[int | None, ...]
    gradients: tuple[int | None, ...]
    spares: dict[Writer, int]
    needs_gradient: tuple[bool, ...]
    first_writer: dict[int, Writer]
    sizes: tuple[int, ...]


@dataclass
class _Planner:
    nodes: Sequence[Node]
    training: bool
    fused: bool
    lives: list[_Life] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.count = len(self.nodes)
        self.end = 2 * self.count + 2
        self.readers: list[list[Writer]] = [[] for _ in range(self.count + 1)]
        for node in self.nodes:
            for position, value in enumerate(node.inputs):
                self.readers[value].append((node.index, position))
        self.needs_gradient = [False]
        for node in self.nodes:
            trainable = any(parameter.trainable for parameter in node.parameters.values())
            inherited = any(self.needs_gradient[value] for value in node.inputs)
            self.needs_gradient.append(self.training and (trainable or inherited))

    def is_fused(self, index: int) -> bool:
        return self.fused and index == self.count - 1

    def backward_time(self, index: int) -> int:
        return self.count + 1 if self.is_fused(index) else 2 * self.count + 1 - index

    def reads_in_backward(self, index: int, what: str) -> bool:
        if not self.needs_gradient[index + 1]:
            return False
        return self.is_fused(index) or what in self.nodes[index].layer.backward_needs

    def last_read(self, value: int) -> int:
        if value == self.count:
            return self.end
        times = [value - 1]
        for index, _ in self.readers[value]:
            times.append(index)
            if self.reads_in_backward(index, "x"):
                times.append(self.backward_time(index))
        if self.reads_in_backward(value - 1, "y"):
            times.append(self.backward_time(value - 1))
        return max(times)

    def life(self, birth: int, death: int, size: int) -> _Life:
        life = _Life(birth, death, size)
        self.lives.append(life)
        return life

    def activations(self) -> list[_Life | None]:
        lives: list[_Life | None] = [None]
        for node in self.nodes:
            death = self.last_read(node.index + 1)
            source = lives[node.inputs[0]]
            if (
                source is not None
                and self._works_in_place(node)
                and self.last_read(node.inputs[0]) == node.index
            ):
                source.death = max(source.death, death)
                lives.append(source)
            else:
                lives.append(self.life(node.index, death, prod(node.output_shape)))
        return lives

    def gradients(self) -> tuple[list[_Life | None], dict[Writer, _Life], dict[int, Writer]]:
        lives: list[_Life | None] = [None] * (self.count + 1)
        spares: dict[Writer, _Life] = {}
        first: dict[int, Writer] = {}
        if self.training and self.needs_gradient[-1] and not self.fused:
            size = prod(self.nodes[-1].output_shape)
            lives[-1] = self.life(self.count + 1, self.backward_time(self.count - 1), size)
        for value in range(self.count - 1, 0, -1):
            if not self.needs_gradient[value]:
                continue
            size = prod(self.nodes[value - 1].output_shape)
            for writer in sorted(self.readers[value], key=lambda each: (-each[0], each[1])):
                time = self.backward_time(writer[0])
                if value in first:
                    spares[writer] = self.life(time, time, size)
                    continue
                first[value] = writer
                above = lives[writer[0] + 1]
                if self._passes_gradient_on(self.nodes[writer[0]]) and above is not None:
                    above.death = max(above.death, self.backward_time(value - 1))
                    lives[value] = above
                else:
                    lives[value] = self.life(time, self.backward_time(value - 1), size)
        return lives, spares, first

    def _works_in_place(self, node: Node) -> bool:
        return (
            node.layer.in_place
            and not node.joins_inputs
            and not self.is_fused(node.index)
            and node.input_shapes[0] == node.output_shape
        )

    def _passes_gradient_on(self, node: Node) -> bool:
        return self._works_in_place(node) and len(self.readers[node.inputs[0]]) == 1

    def allocate(self) -> tuple[int, ...]:
        sizes: list[int] = []
        holders: list[_Life | None] = []
        for life in sorted(self.lives, key=lambda each: each.birth):
            free = [
                block
                for block, holder in enumerate(holders)
                if holder is None or holder.death < life.birth
            ]
            fitting = [block for block in free if sizes[block] >= life.size]
            if fitting:
                life.block = min(fitting, key=sizes.__getitem__)
            elif free:
                life.block = max(free, key=sizes.__getitem__)
                sizes[life.block] = life.size
            else:
                life.block = len(sizes)
                sizes.append(life.size)
                holders.append(None)
            holders[life.block] = life
        return tuple(sizes)


def plan_memory(nodes: Sequence[Node], *, training: bool, fused: bool = False) -> Plan:
    """Plans the blocks of a forward pass, or of forward and backward.

    Args:
        nodes: the model.
        training: whether there is a backward pass.
        fused: whether the last layer and the loss are joined.
    """
    planner = _Planner(nodes, training, fused)
    activations = planner.activations()
    gradients, spares, first_writer = planner.gradients()
    sizes = planner.allocate()
    return Plan(
        activations=tuple(life.block if life else None for life in activations),
        gradients=tuple(life.block if life else None for life in gradients),
        spares={writer: life.block for writer, life in spares.items()},
        needs_gradient=tuple(planner.needs_gradient),
        first_writer=first_writer,
        sizes=sizes,
    )
