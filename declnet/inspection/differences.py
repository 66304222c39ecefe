"""Gradients compared with central differences of the loss, away from kinks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.network.inputs import as_arrays
from declnet.contracts.network.parameter import Regularizer
from declnet.errors import RunError
from declnet.graph.arrays import Workspaces, batch_view
from declnet.graph.memory_plan import Order, copied_reads, value_orders
from declnet.graph.model import Model
from declnet.graph.parameters import layer_state
from declnet.graph.schedules import ScheduledValues
from declnet.graph.shapes import frozen_nodes
from declnet.spec.heads import Head
from declnet.training.preparation import ReadyData

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
    gradient = np.sum([each for _, each in parts], axis=0)
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
        found = np.array(slopes, float)
        off = np.abs(found - [float(part[index]) for _, part in parts]) / scale
        function, _ = parts[0]
        if function.may_clip and off[0] > TOLERANCE and _is_flat(function, index, value):
            clipped += 1
            continue
        numeric[index] = found.sum()
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
    return [tuple(map(int, np.unravel_index(each, gradient.shape))) for each in flat]


def _slope(
    function: LossFunction, index: tuple[int, ...], value: float, gradient: float, scale: float
) -> float | None:
    """Return the central difference nearest to a gradient, of all step sizes; None at a kink.

    Two differences are combined (Richardson), so that the error is of fourth order in the step.
    """
    best, unit = np.inf, max(1.0, abs(value))

    def difference(step: float) -> float:
        above, below = (function.changed(index, value + each) for each in (step, -step))
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
    return all(
        function.changed(index, value + each) == function.center for each in (step, -step, 2 * step)
    )


def penalty_of(regularizer: Regularizer, point: Array) -> LossFunction:
    """Return a parameter's penalty as a function of it."""
    array = point.copy()
    return _function_of(array, lambda: float(regularizer.penalty(array)))


def _function_of(array: Array, loss: Callable[[], float], may_clip: bool = False) -> LossFunction:
    """Return a loss that depends on an array as a function of it."""

    def changed(index: tuple[int, ...], value: float) -> float:
        before = array[index]
        array[index] = value
        found = loss()
        array[index] = before
        return found

    return LossFunction(loss(), changed, may_clip)


class ForwardPass:
    """A model's forward pass and loss on fixed samples, evaluated again with changed numbers.

    The values share no memory, and only what depends on the changed number is computed again.
    Random layers draw the same numbers each time.

    Args:
        model: the model, of which only the declaration is used.
        parameters: the parameters by key.
        heads: the losses.
        data: the samples.
        streams: the state of each layer's random stream.
        step: the number of the step, from 1, for schedules.
        total: the number of steps in the whole training.
        epoch: the epoch of the step, which decides on frozen layers.

    Raises:
        RunError: a layer's output is not the same if it is computed again.
    """

    def __init__(
        self,
        model: Model,
        parameters: Mapping[str, Array],
        heads: Sequence[Head],
        data: ReadyData,
        streams: Sequence[Mapping[str, Any]],
        step: int,
        total: int,
        epoch: int,
    ) -> None:
        self._model = Model(model.network, model.dtype)
        self._model.load_parameters(parameters)
        self._saved, n = dict(parameters), len(data)
        self._nodes = nodes = model.nodes
        self._losses = np.empty(n, model.dtype)
        self._heads = [
            (head, model.output(head.output).index + 1, y_true)
            for head, y_true in zip(heads, data.y_true, strict=True)
        ]
        read = {value for node in nodes for value in node.inputs}
        self._ends = {value for _, value, _ in self._heads} - read
        weights = np.ones(n) if data.weights is None else data.weights
        self._weights = weights / (weights.sum() or 1)
        orders = value_orders(nodes)
        workspaces = Workspaces(nodes, n, model.dtype, orders[1:])
        self._rngs = [np.random.Generator(np.random.PCG64(0)) for _ in nodes]
        self._streams = [dict(stream) for stream in streams[: len(nodes)]]
        self._random = set(range(len(nodes)))
        self._slopes: dict[int, Array] = {}
        self._untrained = [
            [
                f"{nodes[node.owner].name}.{name}"
                for name, each in node.parameters.items()
                if not each.trainable
            ]
            for node in nodes
        ]
        shapes = [(), *(node.output_shape for node in nodes)]

        def allocate(value: int, order: Order) -> Array:
            block = np.empty(n * prod(shapes[value]), model.dtype)
            return batch_view(block, shapes[value], n, order)

        self._given = as_arrays(data.x)
        self._values: list[Array] = [np.empty(0)]  # value 0 is read by name
        self._values += [allocate(value, orders[value]) for value in range(1, len(orders))]
        self._copies = {
            reader: allocate(nodes[reader[0]].inputs[reader[1]], order)
            for reader, order in copied_reads(nodes, orders).items()
        }
        schedules = ScheduledValues(total)
        now = [schedules.of(node.layer) for node in nodes]
        schedules.begin(step)
        self._states = [
            layer_state(node, self._model.store, workspaces.views(node, n), rng, now=each)
            for node, rng, each in zip(nodes, self._rngs, now, strict=True)
        ]
        frozen = frozen_nodes(nodes, epoch)
        for index, state in enumerate(self._states):
            state.training, state.frozen = True, index in frozen
        self._dependents = [self._after(index) for index in range(len(nodes) + 1)]
        self._forward(range(len(nodes)))
        self._random = {
            index
            for index, saved in enumerate(self._streams)
            if self._rngs[index].bit_generator.state != saved
        }
        self._base = [self._values[0], *(value.copy() for value in self._values[1:])]
        self._require_repeatable()

    def take_slope(self, value: int, dy: Array) -> None:
        """Replace the losses of an output by sum(dy * y_pred), for its gradient dy.

        It has the gradients that follow from dy, also where the loss is clipped.
        """
        self._slopes[value] = dy

    def of_parameter(self, index: int, key: str) -> LossFunction:
        """Return the loss, without penalties, as a function of a parameter of a layer.

        Like the function of a value, it is valid until the next one is requested.
        """
        array = self._model.store.arrays[key]
        users = [node.index for node in self._nodes if node.owner == index]
        found = {each for user in users for each in (user, *self._dependents[user + 1])}
        return self._function(array, sorted(found))

    def of_value(self, value: int) -> LossFunction:
        """Return the loss as a function of a value: i is the output of layer i - 1."""
        return self._function(self._values[value], self._dependents[value])

    def _function(self, array: Array, layers: Sequence[int]) -> LossFunction:
        for value, saved in zip(self._values, self._base, strict=True):
            if value is not saved:
                np.copyto(value, saved)

        def loss() -> float:
            self._forward(layers)
            total = 0.0
            for head, value, y_true in self._heads:
                if value not in self._slopes:
                    head.loss.forward(self._values[value], y_true, self._losses)
                    total += head.weight * float(self._losses @ self._weights)
            for value, dy in self._slopes.items():
                total += float(np.sum(dy * self._values[value]))
            return total

        ends = [self._values[value] for value in self._ends]
        return _function_of(array, loss, may_clip=any(array is end for end in ends))

    def _forward(self, layers: Iterable[int]) -> None:
        for index in layers:
            node = self._nodes[index]
            if index in self._random:
                self._rngs[index].bit_generator.state = self._streams[index]
            for key in self._untrained[index]:
                np.copyto(self._model.store.arrays[key], self._saved[key])
            for position, value in enumerate(node.inputs):
                if (index, position) in self._copies:
                    np.copyto(self._copies[index, position], self._values[value])
            read = tuple(
                self._copies.get((index, position), self._values[value])
                if name is None
                else self._given[name]
                for position, (value, name) in enumerate(zip(node.inputs, node.reads, strict=True))
            )
            x: Any = read if node.takes_many_inputs else read[0]
            node.layer.forward(x, self._values[index + 1], self._states[index])

    def _after(self, value: int) -> list[int]:
        """Return the layers that depend on a value, in order."""
        changed, found = {value}, []
        for node in self._nodes:
            if changed.intersection(node.inputs):
                changed.add(node.index + 1)
                found.append(node.index)
        return found

    def _require_repeatable(self) -> None:
        for node in self._nodes:
            self._forward([node.index])
            if not np.array_equal(self._values[node.index + 1], self._base[node.index + 1]):
                raise RunError(
                    f'the gradients cannot be verified: "{node.name}" ({node.layer.type}) gives '
                    "a different output for the same input and random numbers"
                )
