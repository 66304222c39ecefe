"""Faults of layers, found from their outputs and the changes of their parameters."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from declnet import Array, BoundLayers, Model, OutputRange

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


class LayerFaults:
    """The layers of a model on a few samples, and what prevents them from learning.

    Args:
        model: the model, which has its parameters from before the training.
        x: the samples of each input by name.
        after: the parameters after the training.

    Attributes:
        views: the observations of each layer.
    """

    def __init__(self, model: Model, x: Mapping[str, Array], after: Mapping[str, Array]) -> None:
        self._model, self._x, self._nodes = model, x, model.nodes
        before = model.parameters()
        with np.errstate(all="ignore"):
            self._layers = BoundLayers(model, x)
        self.views = tuple(
            LayerView(
                node.name,
                node.layer.type,
                _dead(y, bounds),
                _saturated(y, bounds),
                _change(self._trained(node.index), before, after),
            )
            for node, y in zip(self._nodes, self._layers.outputs, strict=True)
            for bounds in [self._range(node.index)]
        )

    def fault(self, *, succeeded: bool) -> Fault | None:
        """Return what prevents the model from learning, or None if nothing was found.

        Args:
            succeeded: whether the model has overfitted nevertheless; if so, only what is a fault in
                any network is reported.
        """
        if not len(self._model.vector()):
            reason = "it has no trainable parameters"
            return Fault(None, "model", reason, "add a layer that has some")
        indices = range(len(self._nodes))
        if not succeeded:
            for fault in map(self._equal_weights, indices):
                if fault is not None:
                    return fault
        for index, view in zip(indices[:-1], self.views, strict=False):
            if view.dead is not None and view.dead >= MOSTLY:
                units = "all its units" if view.dead == 1 else f"{view.dead:.0%} of its units"
                when = "before the training they give their lowest value for every sample"
                return self._fault_at_start(index, f"{units} are dead: {when}", "larger biases")
            if view.saturated is not None and view.saturated >= MOSTLY:
                reason = f"{view.saturated:.0%} of its outputs are saturated before the training"
                return self._fault_at_start(index, reason, "smaller weights")
        return self._stuck() or (None if succeeded else self._frozen() or self._narrowest())

    def _range(self, index: int) -> OutputRange | None:
        """Return the declared range of a layer's output."""
        node = self._nodes[index]
        bounds = node.layer.output_range
        if bounds == "input":
            return self._range(node.inputs[0] - 1) if node.inputs[0] else None
        return bounds

    def _trained(self, index: int) -> dict[str, str]:
        """Return the trained parameters of a layer: their names in it by their keys."""
        owner = self._nodes[index].owner
        slots = self._model.store.slots
        return {slot.key: slot.name for slot in slots if slot.node == owner and slot.is_trained()}

    def _equal_weights(self, index: int) -> Fault | None:
        """Return the fault of a layer whose weights are all the same, so that its units are too."""
        node = self._nodes[index]
        for key, name in self._trained(index).items():
            weights = self._model.store.arrays[key]
            is_weight = node.parameters[name].role == "weight"
            if is_weight and weights.size > 1 and np.ptp(weights) == 0:
                value = f"{float(weights.flat[0]):g}"
                reason = f"all its {name} start as {value}, so its units cannot become different"
                return Fault(index, node.name, reason, "use a random initializer")
        return None

    def _fault_at_start(self, index: int, reason: str, remedy: str) -> Fault:
        """Return the fault of a layer that is dead or saturated before the training."""
        floats = [array for array in self._x.values() if array.dtype.kind == "f"]
        largest = max((float(np.abs(array).max(initial=0)) for array in floats), default=0.0)
        advice = f"start with {remedy}{self._layer_before(index)}"
        if largest > LARGE:
            advice = f"scale the inputs, which reach {largest:.3g}, by data.prepare"
        return Fault(index, self._nodes[index].name, reason, advice)

    def _layer_before(self, index: int) -> str:
        """Return the nearest layer before this one, along first inputs, that has parameters."""
        node = self._nodes[index]
        while node.inputs[0]:
            node = self._nodes[node.inputs[0] - 1]
            if node.parameters:
                return f' of "{node.name}"'
        return ""

    def _stuck(self) -> Fault | None:
        """Return the fault of a layer whose parameters do not change, or of one above it.

        Each of them is tried alone: given a gradient of its output, it must return one.
        """
        changes = [view.change for view in self.views]
        stuck = [
            node
            for node, change in zip(self._nodes, changes, strict=True)
            if change == 0 and self._nodes[node.owner].trained_from == 0
        ]
        if not stuck or not any(changes):
            return None
        lowest = node = stuck[-1]
        fills_own, _ = self._gradients(node.index)
        while fills_own and not changes[node.index]:
            reader = next((other for other in self._nodes if node.index + 1 in other.inputs), None)
            if reader is None:
                break
            node = reader
            _, passes_on = self._gradients(node.index)
            if not passes_on:
                blocked = f'so "{lowest.name}" never changes'
                reason = f"it passes no gradient to the layers below, {blocked}"
                return Fault(node.index, node.name, reason, _checking(node.layer.type))
        reason = "its parameters do not change: their gradient is always 0"
        return Fault(lowest.index, lowest.name, reason, _checking(lowest.layer.type))

    def _gradients(self, index: int) -> tuple[bool, bool]:
        """Return whether a layer's backward fills any parameter's gradient, and any input's."""
        y = self._layers.outputs[index]
        dy = np.random.default_rng(0).normal(size=y.shape).astype(y.dtype)
        saved = y.copy()
        with np.errstate(all="ignore"):
            gradients, dx = self._layers.backward(index, dy)
        np.copyto(y, saved)
        return any(array.any() for array in gradients.values()), any(array.any() for array in dx)

    def _frozen(self) -> Fault | None:
        """Return the fault of the first layer with weights of which none is trained."""
        for node in self._nodes:
            has_weights = any(parameter.role == "weight" for parameter in node.parameters.values())
            if has_weights and not self._trained(node.index):
                reason = "its weights are not trained"
                return Fault(node.index, node.name, reason, "make them trainable")
        return None

    def _narrowest(self) -> Fault:
        """Return the layer with the fewest outputs below the last one with parameters."""
        last = max(slot.node for slot in self._model.store.slots)
        hidden = [node for node in self._nodes[:last] if node.parameters]
        if not hidden:
            reason = "it is the only layer with parameters, so the model may be too simple"
            return Fault(last, self._nodes[last].name, reason, "add a hidden layer before it")
        node = min(hidden, key=lambda hidden_node: prod(hidden_node.output_shape))
        count = prod(node.output_shape)
        outputs = "1 output" if count == 1 else f"{count} outputs"
        reason = f"it is the narrowest hidden layer, with {outputs}"
        return Fault(node.index, node.name, reason, "give it more units, or add layers")


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


def _change(
    keys: Collection[str], before: Mapping[str, Array], after: Mapping[str, Array]
) -> float | None:
    """Return the norm of the change of parameters, divided by the norm of the parameters."""
    if not keys:
        return None
    old = np.concatenate([np.asarray(before[key], float).ravel() for key in keys])
    new = np.concatenate([np.asarray(after[key], float).ravel() for key in keys])
    change = float(np.linalg.norm(new - old))
    return change / (float(np.linalg.norm(old)) or 1.0)


def _checking(layer_type: str) -> str:
    return f'check the backward pass of the layer type "{layer_type}" with `declnet plugins check`'
