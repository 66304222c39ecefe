"""Gradients compared with central differences of the loss, away from kinks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from declnet import Array, BoundLayers, Model, ReadyData, Regularizer, RunError, RunSpec

TOLERANCE = 1e-6
"""The largest relative error of a gradient that counts as right."""

CLOSE = 1e-7
"""The relative error below which no smaller step size is tried."""

SMALL = 1e-4
"""Errors are relative to the gradient's largest element, but at least to this fraction of the loss
(of 1 if the loss is smaller): below that, rounding dominates."""

WHOLE = 48
"""Arrays with up to this many elements are compared element by element."""

SAMPLED = 16
"""The number of elements compared in larger arrays."""

STEPS = tuple(10.0**-power for power in range(3, 11))
"""Step sizes to try, relative to numbers larger than 1: a kink or a steep curve within the first
one may be outside a smaller one."""

KINK = 1e-6
"""The step size of the one-sided differences that tell a kink from a wrong gradient."""


@dataclass(frozen=True, eq=False)
class Differences:
    """A gradient and central differences.

    Attributes:
        name: of the layer whose output's gradient it is, or the key of the parameter.
        numeric: the central differences, in the gradient's shape; NaN where none was computed.
        compared: the number of elements compared.
        kinks: the number of further elements that were skipped since the slopes to both sides
            differ, with the gradient between them.
        clipped: the number of outputs of the model at which the loss is constant, but its gradient
            is not 0: losses that clip the prediction may keep the slope of the bound.
        errors: for each term of the loss, the largest difference of the compared elements, relative
            to the largest element of the gradient.
        worst: the index of the largest of them; None if none was compared.
    """

    name: str
    numeric: Array
    compared: int
    kinks: int
    clipped: int
    errors: tuple[float, ...]
    worst: tuple[int, ...] | None

    @property
    def error(self) -> float:
        """The largest of the errors."""
        return float(np.max(self.errors))

    @property
    def passed(self) -> bool:
        """Whether the relative error is within the tolerance."""
        return self.error <= TOLERANCE


@dataclass(frozen=True, eq=False)
class LossFunction:
    """The loss as a function of one element of an array.

    Attributes:
        center: the loss if nothing is changed.
        changed: returns the loss if the element at an index has another value.
        may_clip: whether the array is the model's output, which the loss may clip.
    """

    center: float
    changed: Callable[[tuple[int, ...], float], float]
    may_clip: bool = False


def compare(parts: Sequence[tuple[LossFunction, Array]], point: Array, name: str) -> Differences:
    """Compare a gradient with central differences.

    Args:
        parts: the terms of the loss as functions of the point, each with its gradient of the
            point's shape. They are compared one by one, since each has kinks of its own.
        point: where the gradients were computed.
        name: as in `Differences`.
    """
    gradients = [part_gradient for _, part_gradient in parts]
    gradient = np.sum(gradients, axis=0)
    center = sum(function.center for function, _ in parts)
    largest = float(np.max(np.abs(gradient), initial=0.0))
    scale = max(largest, SMALL * max(1.0, abs(center)))
    numeric = np.full(point.shape, np.nan)
    kinks, clipped, worst = 0, 0, None
    errors = np.zeros(len(parts))
    chosen = _chosen(gradient, name)
    for index in chosen:
        value = float(point[index])
        slopes = [
            _slope(function, index, value, float(part[index]), scale) for function, part in parts
        ]
        if None in slopes:
            kinks += 1
            continue
        differences = np.array(slopes, float)
        off = np.abs(differences - [float(part[index]) for part in gradients]) / scale
        function, _ = parts[0]
        if function.may_clip and off[0] > TOLERANCE and _is_flat(function, index, value):
            clipped += 1
            continue
        numeric[index] = differences.sum()
        if worst is None or not off.max() <= errors.max():
            worst = index
        errors = np.maximum(errors, off)
    compared = len(chosen) - kinks - clipped
    return Differences(name, numeric, compared, kinks, clipped, tuple(errors.tolist()), worst)


def _chosen(gradient: Array, name: str) -> list[tuple[int, ...]]:
    """Return all indices of a small array, else the largest element's and some at random."""
    flat = np.arange(gradient.size)
    if gradient.size > WHOLE:
        rng = np.random.default_rng([gradient.size, *name.encode()])
        random = rng.choice(gradient.size, SAMPLED - 1, replace=False)
        flat = np.unique(np.append(random, np.argmax(np.abs(gradient))))
    return [tuple(map(int, np.unravel_index(position, gradient.shape))) for position in flat]


def _slope(
    function: LossFunction, index: tuple[int, ...], value: float, gradient: float, scale: float
) -> float | None:
    """Return the central difference nearest to a gradient, of all step sizes; None at a kink.

    Two differences are combined (Richardson), so that the error is of fourth order in the step.
    """
    best, unit = np.inf, max(1.0, abs(value))

    def difference(step: float) -> float:
        above, below = (function.changed(index, value + change) for change in (step, -step))
        return (above - below) / (2 * step)

    for size in STEPS:
        slope = (4 * difference(size * unit) - difference(2 * size * unit)) / 3
        if not abs(best - gradient) <= abs(slope - gradient):
            best = slope
        if abs(best - gradient) <= CLOSE * scale:
            return best
    if abs(best - gradient) <= TOLERANCE * scale:
        return best
    step, noise = KINK * unit, TOLERANCE * scale
    above = (function.changed(index, value + step) - function.center) / step
    below = (function.center - function.changed(index, value - step)) / step
    is_kink = min(above, below) - noise <= gradient <= max(above, below) + noise
    return None if is_kink else best


def _is_flat(function: LossFunction, index: tuple[int, ...], value: float) -> bool:
    """Return whether nearby values of an element give exactly the same loss."""
    step = STEPS[-1] * max(1.0, abs(value))
    changes = step, -step, 2 * step
    return all(function.changed(index, value + change) == function.center for change in changes)


def penalty_of(regularizer: Regularizer, point: Array) -> LossFunction:
    """Return a parameter's penalty as a function of it."""
    array = point.copy()
    return _function_of(array, lambda: float(regularizer.penalty(array)))


def _function_of(array: Array, loss: Callable[[], float], may_clip: bool = False) -> LossFunction:
    """Return a loss that depends on an array as a function of it."""

    def changed(index: tuple[int, ...], value: float) -> float:
        before = array[index]
        array[index] = value
        changed_loss = loss()
        array[index] = before
        return changed_loss

    return LossFunction(loss(), changed, may_clip)


class LossOfStep:
    """The loss of a training step, evaluated again with changed outputs or parameters.

    Only what depends on the changed number is computed again, and random layers draw the same
    numbers each time.

    Args:
        model: the model.
        parameters: the parameters by key.
        spec: the spec, which has the losses.
        data: the samples.
        streams: the state of each layer's random stream.
        step: the number of the step, from 1.
        steps: the number of steps in the whole training.
        epoch: the epoch of the step.

    Raises:
        RunError: a layer's output is not the same if it is computed again.
    """

    def __init__(
        self,
        model: Model,
        parameters: Mapping[str, Array],
        spec: RunSpec,
        data: ReadyData,
        streams: Sequence[Mapping[str, Any]],
        *,
        step: int,
        steps: int,
        epoch: int,
    ) -> None:
        x = {name: np.asarray(array) for name, array in data.x.items()}
        self._layers = BoundLayers(
            model,
            x,
            parameters,
            streams=streams,
            training=True,
            step=step,
            steps=steps,
            epoch=epoch,
        )
        self._nodes, n = model.nodes, len(data)
        self._losses = np.empty(n, model.dtype)
        self._heads = [
            (head, model.output(head.output).index, y_true)
            for head, y_true in zip(spec.heads, data.y_true, strict=True)
        ]
        weights = np.ones(n) if data.weights is None else data.weights
        self._weights = weights / (weights.sum() or 1)
        self._slopes: dict[int, Array] = {}
        self._outputs = [output.copy() for output in self._layers.outputs]
        for node in self._nodes:
            if not np.array_equal(self._layers.forward(node.index), self._outputs[node.index]):
                raise RunError(
                    f'the gradients cannot be verified: "{node.name}" ({node.layer.type}) gives '
                    "a different output for the same input and random numbers"
                )

    def linearize(self, index: int, dy: Array) -> None:
        """Replace the losses of a layer's output by sum(dy * y_pred), for its gradient dy.

        It has the gradients that follow from dy, also where the loss is clipped.
        """
        self._slopes[index] = dy

    def of_parameter(self, index: int, key: str) -> LossFunction:
        """Return the loss, without penalties, as a function of a parameter of a layer.

        Like the function of an output, it is valid until the next one is requested.
        """
        users = [node.index for node in self._nodes if node.owner == index]
        dependents = {layer for user in users for layer in (user, *self._dependents(user))}
        return self._function(self._layers.parameters[key], sorted(dependents))

    def of_output(self, index: int) -> LossFunction:
        """Return the loss as a function of the output of a layer."""
        is_read = any(index + 1 in node.inputs for node in self._nodes)
        may_clip = not is_read and any(index == output for _, output, _ in self._heads)
        return self._function(self._layers.outputs[index], self._dependents(index), may_clip)

    def _function(
        self, array: Array, layers: Sequence[int], may_clip: bool = False
    ) -> LossFunction:
        for output, saved in zip(self._layers.outputs, self._outputs, strict=True):
            np.copyto(output, saved)

        def loss() -> float:
            for index in layers:
                self._layers.forward(index)
            total = 0.0
            for head, output, y_true in self._heads:
                if output not in self._slopes:
                    head.loss.forward(self._layers.outputs[output], y_true, self._losses)
                    total += head.weight * float(self._losses @ self._weights)
            for output, dy in self._slopes.items():
                total += float(np.sum(dy * self._layers.outputs[output]))
            return total

        return _function_of(array, loss, may_clip)

    def _dependents(self, index: int) -> list[int]:
        """Return the layers that depend on the output of a layer, in order."""
        changed, dependents = {index + 1}, []
        for node in self._nodes:
            if changed.intersection(node.inputs):
                changed.add(node.index + 1)
                dependents.append(node.index)
        return dependents
