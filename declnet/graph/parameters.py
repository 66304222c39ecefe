"""All parameters of a model with their initializers; trainable ones are views of a flat vector.

The vector is laid out by region: the parameters that one optimizer updates and that are trained
from the same epoch on are one slice of it, and those that an epoch trains are its beginning. Files
and checkpoints go by parameters' names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from declnet.contracts.arrays import Array, Dtype, Shape
from declnet.contracts.memory import beyond_memory
from declnet.contracts.network.parameter import (
    CurrentValues,
    Initializer,
    LayerState,
    Parameter,
    ParameterInfo,
    Regularizer,
)
from declnet.contracts.network.parameter_group import ParameterGroup
from declnet.contracts.returned import verify
from declnet.errors import Diagnostic, WeightsError, error_message
from declnet.graph.schedules import ScheduledValues
from declnet.graph.shapes import Node
from declnet.registry.registry import Registry
from declnet.registry.spelling import closest
from declnet.spec.streams import Stream, random_stream


def initializer_of(parameter: Parameter, registry: Registry) -> Initializer:
    """Return a parameter's initializer; raise pydantic's errors for an invalid name or table."""
    return Initializer.from_declaration(parameter.initializer, {"registry": registry})


def fans(parameter: Parameter) -> tuple[int, int]:
    """Return (fan_in, fan_out) as declared by the parameter, or from its shape."""
    shape = parameter.shape
    if len(shape) >= 3:
        fan_in, fan_out = prod(shape[1:]), shape[0] * prod(shape[2:])
    elif len(shape) == 2:
        fan_in, fan_out = shape
    else:
        fan_in = fan_out = prod(shape)
    return parameter.fan_in or fan_in, parameter.fan_out or fan_out


def initializer_problems(nodes: Sequence[Node], registry: Registry) -> list[Diagnostic]:
    """Return the errors in initializers that layers name themselves, and shapes they reject."""
    problems = []
    accepted: set[tuple[str | int, Shape]] = set()
    for node in nodes:
        for name, parameter in node.parameters.items() if node.shared is None else ():
            declared, path = parameter.initializer, ("model", "layers", node.index)
            key = declared if isinstance(declared, str) else id(declared), _small(parameter.shape)
            if key in accepted:
                continue
            try:
                initializer = initializer_of(parameter, registry)
            except (PydanticCustomError, ValidationError) as error:
                where, said, context = _first_of(error)
                message = f'"{node.name}": parameter {name}: {where}{said}'
                code = "E025" if where else context.get("code", "E025")
                problems.append(Diagnostic(message, context.get("hint"), path, code))
                continue
            rejection = _rejection(initializer, parameter)
            if rejection is None:
                accepted.add(key)
            else:
                message = f'"{node.name}": parameter {name}: {rejection}'
                problems.append(Diagnostic(message, "use another initializer", path, "E022"))
    return problems


def _small(shape: Shape) -> Shape:
    """Return a shape with as many axes that is quickly filled."""
    return tuple(min(size, 3) for size in shape)


def _rejection(initializer: Initializer, parameter: Parameter) -> str | None:
    """Return why `fill` rejects a parameter's shape, and a small one like it; None if it does not.

    The small one comes first, since filling the parameter could take long.
    """
    rng, rejection = np.random.Generator(np.random.PCG64(0)), None
    for shape in (_small(parameter.shape), parameter.shape):
        if beyond_memory(prod(shape) * np.dtype(float).itemsize) is not None:
            return None  # the run as a whole then needs too much
        try:
            initializer.fill(np.zeros(shape), rng, *fans(parameter))
        except ValueError as error:
            rejection = error_message(error)
        else:
            return None
    return rejection


def _first_of(error: PydanticCustomError | ValidationError) -> tuple[str, str, dict[str, Any]]:
    """Return the key in the initializer's table ("" for its type), the message and its context."""
    if isinstance(error, PydanticCustomError):
        return "", error.message(), error.context or {}
    first = error.errors()[0]
    keys = ".".join(map(str, first["loc"]))
    where = f"{keys}: " if keys not in ("", "type") else ""
    return where, first["msg"], first.get("ctx", {})


@dataclass(frozen=True)
class Slot:
    """The location of one parameter.

    Attributes:
        key: `<layer name>.<parameter>`, its name in weights files.
        offset: its offset in the flat vector; -1 if it is never trained.
        from_epoch: the first epoch that trains it; None if none does.
    """

    key: str
    node: int
    name: str
    parameter: Parameter
    offset: int = -1
    from_epoch: int | None = None

    @property
    def info(self) -> ParameterInfo:
        """The parameter as optimizers see it."""
        return ParameterInfo(self.key, tuple(self.parameter.shape), self.parameter.role)

    def is_trained(self, epoch: int | None = None) -> bool:
        """Return whether an epoch trains it, counted from 0; None is after all others."""
        return self.from_epoch is not None and (epoch is None or self.from_epoch <= epoch)

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.parameter.shape)


@dataclass(frozen=True)
class Region:
    """A slice of the flat vector that one optimizer updates.

    Attributes:
        group: the position of the optimizer's group; -1 for the parameters in no group.
        from_epoch: the first epoch that trains the parameters.
    """

    group: int
    from_epoch: int
    start: int
    stop: int

    def holds(self, slot: Slot) -> bool:
        """Return whether a parameter is in this slice."""
        return slot.offset >= 0 and self.start <= slot.offset < self.stop


def slots_of(nodes: Sequence[Node], groups: Sequence[ParameterGroup] = ()) -> tuple[Slot, ...]:
    """Lay out the parameters of all nodes; the slots are in the nodes' order.

    Args:
        groups: the groups of the optimizer, by which the flat vector is laid out.
    """
    return _laid_out(nodes, groups)[0]


def _laid_out(
    nodes: Sequence[Node], groups: Sequence[ParameterGroup]
) -> tuple[tuple[Slot, ...], tuple[Region, ...]]:
    slots: list[Slot] = []
    members: dict[tuple[int, int], list[int]] = {}
    for node in nodes:
        for name, parameter in node.parameters.items() if node.shared is None else ():
            key = f"{node.name}.{name}"
            start_epoch = node.trained_from if parameter.trainable else None
            if start_epoch is not None:
                region = start_epoch, group_of(key, groups)
                members.setdefault(region, []).append(len(slots))
            slots.append(Slot(key, node.index, name, parameter, from_epoch=start_epoch))
    regions, offset = [], 0
    for (from_epoch, group), positions in sorted(members.items()):
        start = offset
        for position in positions:
            slots[position] = replace(slots[position], offset=offset)
            offset += slots[position].size
        regions.append(Region(group, from_epoch, start, offset))
    return tuple(slots), tuple(regions)


def group_of(key: str, groups: Sequence[ParameterGroup]) -> int:
    """Return the position of the last group that matches a parameter's name; -1 if none does."""
    matching = [
        position
        for position, group in enumerate(groups)
        if any(matches(pattern, key) for pattern in group.parameters)
    ]
    return matching[-1] if matching else -1


def matches(pattern: str, key: str) -> bool:
    """Return whether a pattern, in which * is any text and ? any character, matches a name."""
    return re.fullmatch(pattern_expression(pattern), key, re.DOTALL) is not None


@lru_cache  # for each parameter, a pattern is needed several times
def pattern_expression(pattern: str) -> str:
    """Return a pattern as a regular expression, with a group for each *."""
    words = {"*": "(.*)", "?": "."}
    return "".join(words.get(char, re.escape(char)) for char in pattern)


def pattern_hint(pattern: str, keys: Sequence[str]) -> str:
    """Return a hint for a pattern that matches none of the keys: a similar one, or the keys."""
    parts = [key.partition(".") for key in keys]
    layers, names = {layer for layer, _, _ in parts}, {name for _, _, name in parts}
    similar = closest(
        pattern, {*keys, *(f"{layer}.*" for layer in layers), *(f"*.{n}" for n in names)}
    )
    if similar is not None:
        return f'did you mean "{similar}"?'
    return f"parameters: {', '.join(keys) or 'none'}"


class Parameters:
    """The arrays of a model's parameters.

    Args:
        groups: the groups of the optimizer, by which the vector is laid out.

    Attributes:
        vector: all parameters that are trained at some time, flat.
        regions: the slices of `vector`, in order.
        of_layer: the slots of each layer that has parameters, by its index.
        arrays: every parameter by key; the trained ones are views of `vector`.
        regularized: the slots of the trained parameters with a regularizer.
    """

    def __init__(
        self, nodes: Sequence[Node], dtype: Dtype, groups: Sequence[ParameterGroup] = ()
    ) -> None:
        self.slots, self.regions = _laid_out(nodes, groups)
        self.of_layer: dict[int, list[Slot]] = {}
        for slot in self.slots:
            self.of_layer.setdefault(slot.node, []).append(slot)
        self.regularized = [
            slot
            for slot in self.slots
            if slot.parameter.regularizer is not None and slot.is_trained()
        ]
        self.vector = np.zeros(sum(slot.size for slot in self.slots if slot.is_trained()), dtype)
        self.arrays = {
            slot.key: view(self.vector, slot)
            if slot.offset >= 0
            else np.zeros(slot.parameter.shape, dtype)
            for slot in self.slots
        }

    def __getstate__(self) -> dict[str, Any]:
        """Return what copies and pickles hold, without the views of the vector."""
        fixed = {slot.key: self.arrays[slot.key] for slot in self.slots if slot.offset < 0}
        return {**vars(self), "arrays": fixed}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a copy, with trainable arrays as views of the copy's vector."""
        vars(self).update(state)
        self.arrays = {
            slot.key: view(self.vector, slot) if slot.offset >= 0 else state["arrays"][slot.key]
            for slot in self.slots
        }

    def penalty(self) -> float:
        """Return the sum of all penalties of the current parameters."""
        total = 0.0
        for slot in self.regularized:
            if (regularizer := slot.parameter.regularizer) is not None:
                penalty: Any = regularizer.penalty(self.arrays[slot.key])
                if not isinstance(penalty, float):  # called at every step
                    penalty = verify(Regularizer.penalty, regularizer, penalty)
                total += penalty
        return float(total)

    def initialize(self, seed: int, registry: Registry) -> None:
        """Fill every parameter with its initializer; each layer has its own random stream."""
        streams: dict[int, np.random.Generator] = {}
        for slot in self.slots:
            if slot.node not in streams:
                streams[slot.node] = random_stream(seed, Stream.INITIALIZATION, slot.node)
            initializer = initializer_of(slot.parameter, registry)
            initializer.fill(self.arrays[slot.key], streams[slot.node], *fans(slot.parameter))

    def load(self, saved: Mapping[str, Array], source: str) -> None:
        """Load saved values; raise WeightsError, changing nothing, if they do not match."""
        check_fit(self.slots, {key: array.shape for key, array in saved.items()}, source)
        for key, array in self.arrays.items():
            array[...] = saved[key]


def check_fit(slots: Sequence[Slot], saved: Mapping[str, Shape], source: str) -> None:
    """Compare the keys and shapes of saved weights with the model's.

    Raises:
        WeightsError: with every difference.
    """
    expected = {slot.key: tuple(slot.parameter.shape) for slot in slots}
    faults = [f"{key} is missing" for key in expected if key not in saved]
    faults += [f"{key} is not in the model" for key in saved if key not in expected]
    faults += [
        f"{key} has shape {tuple(saved[key])}, the model's has {shape}"
        for key, shape in expected.items()
        if key in saved and tuple(saved[key]) != shape
    ]
    if faults:
        raise WeightsError(f"{source}: the weights do not fit the model: {'; '.join(faults)}")


def view(vector: Array, slot: Slot) -> Array:
    """Return a trained parameter as a view of a flat vector."""
    return vector[slot.offset : slot.offset + slot.size].reshape(slot.parameter.shape)


def layer_state(
    node: Node,
    parameters: Parameters,
    workspace: Mapping[str, Array],
    rng: np.random.Generator,
    gradients: Mapping[str, Array] | None = None,
    now: CurrentValues | None = None,
    *,
    frozen: bool = False,
) -> LayerState:
    """Return a layer's parameters, workspaces and, in training, gradients as one object.

    Args:
        workspace: the layer's own workspaces, for one batch size.
        gradients: in training, where the layer writes its gradients, by parameter; else None.
        now: the values of the layer's scheduled fields; default: plain numbers only.
        frozen: whether the layer is not trained.
    """
    now = now if now is not None else ScheduledValues(1).of(node.layer)
    state = LayerState(rng, gradients is not None, now)
    state.frozen = frozen
    for name, array in workspace.items():
        setattr(state, name, array)
    for slot in parameters.of_layer.get(node.owner, ()):
        setattr(state, slot.name, parameters.arrays[slot.key])
    for name, array in (gradients or {}).items():
        setattr(state.grad, name, array)
    return state
