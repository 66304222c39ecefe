"""Faults of layers, found from their outputs and the changes of their parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.network.inputs import Batch, sample_count
from declnet.contracts.network.layer import OutputRange
from declnet.display.words import counted
from declnet.graph.arrays import Workspaces
from declnet.graph.memory_plan import Order
from declnet.graph.model import Model
from declnet.graph.parameters import Slot, layer_state
from declnet.graph.schedules import ScheduledValues
from declnet.graph.shapes import Node, frozen_nodes
from declnet.training.culprits import layer_outputs

MOSTLY = 0.9
"""The fraction of a layer's units that must be dead, or of its outputs that must be saturated."""

NEAR = 0.01
"""Outputs within this fraction of their range from one of its bounds are saturated."""

LARGE = 10.0
"""Inputs that are larger than this should be scaled."""


@dataclass(frozen=True)
class Fault:
    """A cause that prevents a network from learning.

    Attributes:
        layer: the position of the layer among the model's layers; None if it is not a layer.
        name: the name of the layer, or the section of the spec.
        reason: what is wrong with it.
        help: one thing to do.
    """

    layer: int | None
    name: str
    reason: str
    help: str


@dataclass(frozen=True)
class LayerView:
    """Observations of a layer on a few samples.

    Attributes:
        name: the layer's name.
        type: its type.
        dead: the fraction of its units that give their lower bound for every sample, before
            training; None if its outputs have none.
        saturated: the fraction of its outputs at a bound, before training; None without bounds.
        change: how much the training changed its trainable parameters, relative to their size;
            None if it has none.
    """

    name: str
    type: str
    dead: float | None
    saturated: float | None
    change: float | None


def view_layers(
    model: Model, x: Batch, before: Mapping[str, Array], after: Mapping[str, Array]
) -> tuple[LayerView, ...]:
    """Return the observations of each layer for samples x.

    Args:
        before: the parameters before the training, which the model has again afterwards.
        after: the parameters after it.
    """
    model.load_parameters(before)
    found = []
    with np.errstate(all="ignore"):
        for node, y in layer_outputs(model, x):
            bounds = _range(model, node)
            found.append(
                LayerView(
                    node.name,
                    node.layer.type,
                    _dead(y, bounds),
                    _saturated(y, bounds),
                    _change(_trainable(model, node), before, after),
                )
            )
    return tuple(found)


def find_fault(
    model: Model, x: Batch, layers: Sequence[LayerView], *, succeeded: bool
) -> Fault | None:
    """Return what prevents the model from learning, or None if nothing was found.

    Args:
        layers: their observations; the model is in its state before the training.
        succeeded: whether the model has overfitted nevertheless; if so, only what is a fault in any
            network is reported.
    """
    last = len(model.nodes) - 1
    if not len(model.store.vector):
        return Fault(None, "model", "it has no trainable parameters", "add a layer that has some")
    if not succeeded:
        for node in model.nodes:
            fault = _equal_weights(model, node)
            if fault is not None:
                return fault
    for node, view in zip(model.nodes[:last], layers, strict=False):
        if view.dead is not None and view.dead >= MOSTLY:
            return _fault_of_dead(model, node, x, view.dead)
        if view.saturated is not None and view.saturated >= MOSTLY:
            return _fault_of_saturated(model, node, x, view.saturated)
    return _stuck(model, x, layers) or (None if succeeded else _frozen(model) or _narrowest(model))


def _range(model: Model, node: Node) -> OutputRange | None:
    """Return the declared range of a layer's output."""
    bounds = node.layer.output_range
    if bounds == "input":
        first = node.inputs[0]
        return _range(model, model.nodes[first - 1]) if first else None
    return bounds


def _dead(y: Array, bounds: OutputRange | None) -> float | None:
    """Return the share of units at their lower bound for all samples, if only that is bounded."""
    if bounds is None or not np.isfinite(bounds.low) or np.isfinite(bounds.high):
        return None
    return float((y <= bounds.low).all(axis=0).mean())


def _saturated(y: Array, bounds: OutputRange | None) -> float | None:
    """Return the share of outputs near a bound, if both sides are bounded for each number."""
    if bounds is None or bounds.sums_to_one or not np.isfinite([bounds.low, bounds.high]).all():
        return None
    margin = NEAR * (bounds.high - bounds.low)
    return float(((y < bounds.low + margin) | (y > bounds.high - margin)).mean())


def _trainable(model: Model, node: Node) -> list[Slot]:
    return [slot for slot in model.store.slots if slot.node == node.owner and slot.is_trained()]


def _change(
    slots: Sequence[Slot], before: Mapping[str, Array], after: Mapping[str, Array]
) -> float | None:
    """Return the norm of the change of parameters, divided by the norm of the parameters."""
    if not slots:
        return None
    old = np.concatenate([np.asarray(before[slot.key], float).ravel() for slot in slots])
    new = np.concatenate([np.asarray(after[slot.key], float).ravel() for slot in slots])
    change = float(np.linalg.norm(new - old))
    return change / (float(np.linalg.norm(old)) or 1.0)


def _equal_weights(model: Model, node: Node) -> Fault | None:
    """Return the fault of a layer whose weights are all the same, so that its units are too."""
    for slot in _trainable(model, node):
        weights = model.store.arrays[slot.key]
        if slot.parameter.role == "weight" and weights.size > 1 and np.ptp(weights) == 0:
            value = f"{float(weights.flat[0]):g}"
            reason = f"all its {slot.name} start as {value}, so its units cannot become different"
            return Fault(node.index, node.name, reason, "use a random initializer")
    return None


def _fault_of_dead(model: Model, node: Node, x: Batch, dead: float) -> Fault:
    units = "all its units" if dead == 1 else f"{dead:.0%} of its units"
    reason = f"{units} are dead: before the training they give their lowest value for every sample"
    help_ = f"start with larger biases{_of_layer_before(model, node)}"
    return Fault(node.index, node.name, reason, _scaling(x) or help_)


def _fault_of_saturated(model: Model, node: Node, x: Batch, saturated: float) -> Fault:
    reason = f"{saturated:.0%} of its outputs are saturated before the training"
    help_ = f"start with smaller weights{_of_layer_before(model, node)}"
    return Fault(node.index, node.name, reason, _scaling(x) or help_)


def _scaling(x: Batch) -> str | None:
    """Return a remedy if the inputs are large, else None."""
    floats = [each for each in x.values() if each.dtype.kind == "f"]
    largest = max((float(np.abs(each).max(initial=0)) for each in floats), default=0.0)
    if largest <= LARGE:
        return None
    return f"scale the inputs, which reach {largest:.3g}, by data.prepare"


def _of_layer_before(model: Model, node: Node) -> str:
    """Return the nearest layer before this one, along first inputs, that has parameters."""
    while node.inputs[0]:
        node = model.nodes[node.inputs[0] - 1]
        if node.parameters:
            return f' of "{node.name}"'
    return ""


def _stuck(model: Model, x: Batch, layers: Sequence[LayerView]) -> Fault | None:
    """Return the fault of a layer whose parameters do not change, or of one above it.

    Each of them is tried alone: given a gradient of its output, it must return one.
    """
    frozen = frozen_nodes(model.nodes, 0)
    stuck = [
        node
        for node, view in zip(model.nodes, layers, strict=True)
        if view.change == 0 and node.index not in frozen
    ]
    moved = {node.index for node, view in zip(model.nodes, layers, strict=True) if view.change}
    if not stuck or not moved:
        return None
    values = [np.empty(0), *(y for _, y in layer_outputs(model, x))]  # value 0 is read by name
    node = stuck[-1]
    own, _ = _gradients(model, node, x, values)
    while own and node.index not in moved:
        above = next((each for each in model.nodes if node.index + 1 in each.inputs), None)
        if above is None:
            break
        node = above
        _, passed = _gradients(model, node, x, values)
        if not passed:
            reason = (
                f'it passes no gradient to the layers below, so "{stuck[-1].name}" never changes'
            )
            return Fault(node.index, node.name, reason, _checking(node))
    return Fault(
        stuck[-1].index,
        stuck[-1].name,
        "its parameters do not change: their gradient is always 0",
        _checking(stuck[-1]),
    )


def _gradients(model: Model, node: Node, x: Batch, values: Sequence[Array]) -> tuple[bool, bool]:
    """Return whether a layer's backward fills any parameter's gradient, and any input's.

    Args:
        values: the output of layer i as item i + 1.
    """
    rng = np.random.Generator(np.random.PCG64(0))
    n = sample_count(x)
    gradients = {
        name: np.zeros(parameter.shape, model.dtype)
        for name, parameter in node.parameters.items()
        if parameter.trainable
    }
    orders: list[Order] = ["batch_last"] * len(model.nodes)
    views = Workspaces(model.nodes, n, model.dtype, orders).views(node, n)
    schedules = ScheduledValues(1)
    state = layer_state(node, model.store, views, rng, gradients, schedules.of(node.layer))
    schedules.begin(1)
    inputs = tuple(
        values[value] if read is None else x[read]
        for value, read in zip(node.inputs, node.reads, strict=True)
    )
    y = np.empty_like(values[node.index + 1])
    dy = rng.normal(size=y.shape).astype(model.dtype)
    dx = [np.zeros(values[value].shape, model.dtype) if value else None for value in node.inputs]
    read: Any = inputs if node.takes_many_inputs else inputs[0]
    needs = node.layer.backward_needs
    with np.errstate(all="ignore"):
        node.layer.forward(read, y, state)
        node.layer.backward(
            read if "x" in needs else None,
            y if "y" in needs else None,
            dy,
            tuple(dx) if node.takes_many_inputs else dx[0],
            state,
        )
    filled = any(gradient.any() for gradient in gradients.values())
    return filled, any(each is not None and each.any() for each in dx)


def _checking(node: Node) -> str:
    return (
        f'check the backward pass of the layer type "{node.layer.type}" '
        "with `declnet plugins check`"
    )


def _frozen(model: Model) -> Fault | None:
    """Return the fault of the first layer with weights of which none is trained."""
    for node in model.nodes:
        if any(
            parameter.role == "weight" for parameter in node.parameters.values()
        ) and not _trainable(model, node):
            return Fault(
                node.index, node.name, "its weights are not trained", "make them trainable"
            )
    return None


def _narrowest(model: Model) -> Fault | None:
    """Return the layer with the fewest outputs below the last one with parameters."""
    last = max(slot.node for slot in model.store.slots)
    hidden = [node for node in model.nodes[:last] if node.parameters]
    if not hidden:
        reason = "it is the only layer with parameters, so the model may be too simple"
        return Fault(last, model.nodes[last].name, reason, "add a hidden layer before it")
    node = min(hidden, key=lambda each: prod(each.output_shape))
    count = prod(node.output_shape)
    reason = f"it is the narrowest hidden layer, with {counted(count, 'output')}"
    return Fault(node.index, node.name, reason, "give it more units, or add layers")
