"""Gradient clipping and optimizer updates of the flat parameter vector, slice by slice.

An optimizer with groups has an update for each region of the vector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np

from declnet.contracts.arrays import Array, Dtype, Shape
from declnet.contracts.execution.kernel import Call, KernelSite
from declnet.contracts.execution.operations import (
    ClipNorm,
    ClipValue,
    FlushDenormals,
    OptimizerUpdate,
)
from declnet.contracts.network.optimizer import Optimizer
from declnet.contracts.network.parameter import OptimizerState, ParameterInfo
from declnet.contracts.network.returned import (
    checked_rates,
    checked_state_names,
    checked_state_shapes,
)
from declnet.graph.kernels import Kernels
from declnet.graph.parameters import Parameters, Region, Slot, view
from declnet.graph.schedules import ScheduledValues

Clipping = Callable[[Array], Call]
"""Returns the call that clips a gradient."""


def clippings(norm: float | None, value: float | None) -> tuple[Clipping, ...]:
    """Return the clipping of the flat gradient, regularizers included: by value, then by norm.

    Args:
        norm: scales the whole gradient down if its Euclidean norm is larger than this.
        value: clips each number to [-value, value].
    """
    by_value = () if value is None else (partial(ClipValue, maximum=value),)
    by_norm = () if norm is None else (partial(ClipNorm, maximum=norm),)
    return (*by_value, *by_norm)


SLICE = 131072
"""Elements per slice. For 670 000 parameters, an Adam step took 1200 µs with this size, 1480 with
half of it, 1370 with twice it (1460 without slices, on another machine with other caches)."""

FLUSH_EVERY = 64
"""Steps between checks for denormal numbers in the optimizer's state."""


class BoundUpdate:
    """An optimizer bound to some parameters, as calls without arguments.

    Args:
        total: number of updates in the whole training, for schedules.

    Attributes:
        calls: update every parameter.
        rate: the learning rate that they read, float64 (1,).
        step: the number of the update that they read, from 1, int64 (1,).
        now: all arrays that they read and that differ from update to update: these two, and those
            of scheduled fields.
        state: the optimizer's arrays by name.
    """

    calls: tuple[Call, ...]

    def __init__(self, optimizer: Optimizer, total: int) -> None:
        self.rate, self.step = np.zeros(1), np.zeros(1, np.int64)
        self._schedules = ScheduledValues(total)
        self._values = self._schedules.of(optimizer)
        self.now = (self.rate, self.step, *self._schedules.arrays)
        self.state: dict[str, Array] = {}

    def set(self, rate: float, step: int, before: int = 0) -> None:
        """Set what the calls read in an update.

        Args:
            before: the steps before the first one that updates these parameters, which their
                optimizer does not count; schedules do.
        """
        self._schedules.begin(step)
        self.rate[0], self.step[0] = rate, step - before

    def fill(self, values: Array, rates: Array, first: int, before: int = 0) -> None:
        """Fill in what `now` holds in successive updates.

        Args:
            values: int64 (updates, len(now)); a float64 is stored as the integer of its bits.
            rates: their learning rates, float64 (updates,).
            first: the number of the first of them.
            before: as for `set`.
        """
        values[:, 0] = rates.view(np.int64)
        values[:, 1] = np.arange(first - before, first - before + len(values))
        self._schedules.fill(values[:, 2:], first)

    def apply(self, rate: float, step: int) -> None:
        """Update every parameter with a learning rate, without clipping the gradient."""
        self.set(rate, step)
        for call in self.calls:
            call()


class VectorUpdate(BoundUpdate):
    """An optimizer bound to a flat vector of parameters, by its kernel or slice by slice.

    Attributes:
        state: the optimizer's arrays by name, each as long as the vector.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        vector: Array,
        gradient: Array,
        total: int,
        kernels: Kernels | None = None,
    ) -> None:
        super().__init__(optimizer, total)
        names = checked_state_names(optimizer, optimizer.state_names())
        self.state = {name: np.zeros_like(vector) for name in names}
        size = min(SLICE, len(vector))
        self._scratch = (np.empty(size, vector.dtype), np.empty(size, vector.dtype))
        site = KernelSite(
            (optimizer,),
            w=vector,
            dw=gradient,
            state=self._part(slice(None), 0),
            rate=self.rate,
            step=self.step,
        )
        bound = kernels.bind_single(optimizer, site) if kernels is not None else None
        parts = [slice(start, start + SLICE) for start in range(0, len(vector), SLICE)]
        slices = [
            (vector[part], gradient[part], self._part(part, len(vector[part]))) for part in parts
        ]
        update: Sequence[Call] = (
            [OptimizerUpdate(optimizer, *each, self.rate, self.step) for each in slices]
            if bound is None
            else bound.update
        )
        self.calls = (*update, *_flushes(self.state.values(), self.step, self._scratch[0]))

    def _part(self, part: slice, size: int) -> OptimizerState:
        """Return the optimizer's state for a part of the vector, with scratch of a size."""
        state = OptimizerState((self._scratch[0][:size], self._scratch[1][:size]), self._values)
        for name, array in self.state.items():
            setattr(state, name, array[part])
        return state


def _flushes(arrays: Iterable[Array], step: Array, scratch: Array) -> list[FlushDenormals]:
    small = np.empty(len(scratch), bool)
    return [FlushDenormals(each.reshape(-1), step, FLUSH_EVERY, scratch, small) for each in arrays]


class ParameterUpdate(BoundUpdate):
    """An optimizer that sees whole parameters, bound to some of them.

    Args:
        parameters: each with its array and its gradient, both contiguous.

    Attributes:
        state: the optimizer's arrays by `<parameter>:<name>`.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        parameters: Sequence[tuple[ParameterInfo, Array, Array]],
        total: int,
    ) -> None:
        super().__init__(optimizer, total)
        memory = _SharedMemory()
        updates: list[Call] = []
        for info, w, dw in parameters:
            shapes, further = state_shapes(optimizer, info)
            scratch = (memory.array(position, w.shape, w.dtype) for position in (0, 1))
            state = OptimizerState((next(scratch), next(scratch)), self._values, info)
            for name, shape in shapes.items():
                self.state[f"{info.name}:{name}"] = np.zeros(shape, w.dtype)
                setattr(state, name, self.state[f"{info.name}:{name}"])
            for name, shape in further.items():
                setattr(state, name, memory.array(name, shape, w.dtype))
            updates.append(OptimizerUpdate(optimizer, w, dw, state, self.rate, self.step))
        size = min(SLICE, max((each.size for each in self.state.values()), default=0))
        kind = parameters[0][1].dtype if parameters else np.dtype(float)
        self.calls = (*updates, *_flushes(self.state.values(), self.step, np.empty(size, kind)))


def state_shapes(
    optimizer: Optimizer, parameter: ParameterInfo
) -> tuple[dict[str, Shape], dict[str, Shape]]:
    """Return what an optimizer that sees whole parameters keeps for one, and its workspace."""
    kept = checked_state_shapes(optimizer, "state_shapes", optimizer.state_shapes(parameter))
    further = optimizer.workspace_shapes(parameter)
    return kept, checked_state_shapes(optimizer, "workspace_shapes", further, kept)


class _SharedMemory:
    """Arrays that are used in turn and share their memory."""

    def __init__(self) -> None:
        self._blocks: dict[str | int, Array] = {}

    def array(self, name: str | int, shape: Shape, kind: Dtype) -> Array:
        """Return an array in the block of a name; a larger one than before gets a new block."""
        size = prod(shape)
        if name not in self._blocks or self._blocks[name].size < size:
            self._blocks[name] = np.empty(size, kind)
        return self._blocks[name][:size].reshape(shape)


@dataclass(frozen=True, eq=False)
class _Part:
    """The update of one region.

    Attributes:
        schedule: the optimizer with the rate; None for the rate of the optimizer with the groups.
        factor: multiplies that rate.
        first: the steps before the first one that updates the region.
    """

    update: BoundUpdate
    schedule: Optimizer | None = None
    factor: float = 1.0
    first: int = 0

    def rate(self, main: float, step: int, total: int) -> float:
        """Return the region's learning rate, given the rate of the optimizer with the groups."""
        own = main if self.schedule is None else self.schedule.rate(step, total)
        return own * self.factor

    def rates(self, main: Array, steps: range, total: int) -> Array:
        """Return the same for several steps."""
        own = main if self.schedule is None else _rates(self.schedule, steps, total)
        return own * self.factor


def _rates(optimizer: Optimizer, steps: range, total: int) -> Array:
    rates = optimizer.rates(steps, total)
    if type(optimizer).rates is Optimizer.rates:  # called twice an epoch
        return rates
    return checked_rates(optimizer, rates, len(steps))


class Updates:
    """The updates of all parameters that an epoch trains, with their learning rates.

    Attributes:
        scale: a factor applied to every learning rate.
        state: the optimizer's arrays by name.
        calls: clip the gradient and update the parameters.
        compiled: the same, compiled by the engine if there is one.
        now: the arrays that the calls read and that differ from update to update.
    """

    state: dict[str, Array]
    _parts: Sequence[_Part]

    def __init__(
        self,
        optimizer: Optimizer,
        gradient: Array,
        total: int,
        clippings: Sequence[Clipping],
        kernels: Kernels | None,
    ) -> None:
        self._optimizer, self._total, self.scale = optimizer, total, 1.0
        self._whole, self._clippings = gradient, clippings
        self._kernels = kernels or Kernels()

    def __call__(self, step: int) -> float:
        """Update every parameter, with steps counted from 1.

        Returns:
            The learning rate of the step, of the parameters in no group.
        """
        main, scale, total = self._optimizer.rate(step, self._total), self.scale, self._total
        for part in self._parts:
            part.update.set(part.rate(main, step, total) * scale, step, part.first)
        for call in self._calls:
            call()
        return main * scale

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, of the parameters in no group."""
        return self._optimizer.rate(step, self._total) * self.scale

    def fill(self, values: Array, first: int) -> None:
        """Fill in what `now` holds in successive updates.

        Args:
            values: int64 (updates, len(now)); a float64 is stored as the integer of its bits.
            first: the number of the first of these updates.
        """
        steps, total = range(first, first + len(values)), self._total
        main, column = _rates(self._optimizer, steps, total), 0
        for part in self._parts:
            rates, own = part.rates(main, steps, total) * self.scale, len(part.update.now)
            part.update.fill(values[:, column : column + own], rates, first, part.first)
            column += own

    def _take(self, parts: Sequence[_Part], gradient: Array) -> None:
        self._parts = parts
        clips = tuple(clipping(gradient) for clipping in self._clippings)
        self.calls = (*clips, *(call for part in parts for call in part.update.calls))
        self.compiled = self._kernels.compile(self.calls)
        self._calls = self.compiled.calls
        self.now = tuple(each for part in parts for each in part.update.now)


class Update(Updates):
    """An optimizer bound to a whole parameter vector.

    Args:
        total: number of updates in the whole training, for schedules.

    Attributes:
        state: the optimizer's arrays by name, each as long as the vector.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        vector: Array,
        gradient: Array,
        total: int,
        clippings: Sequence[Clipping] = (),
        kernels: Kernels | None = None,
    ) -> None:
        super().__init__(optimizer, gradient, total, clippings, kernels)
        update = VectorUpdate(optimizer, vector, gradient, total, kernels)
        self.state = update.state
        self._take([_Part(update)], gradient)

    def state_of(self, slot: Slot) -> dict[str, Array]:
        """Return the optimizer's arrays for one parameter, in its shape."""
        return {name: view(array, slot) for name, array in self.state.items()}


class GroupedUpdate(Updates):
    """An optimizer bound to the regions of a model's parameters: its groups, and frozen layers.

    Parameters that are frozen at first have their state from the start. An optimizer counts their
    steps from the first one that updates them; the rate follows the steps of the whole training.

    Args:
        total: number of updates in the whole training, for schedules.
        steps: number of updates in an epoch.

    Attributes:
        state: the arrays of all optimizers by `<parameter>:<name>`.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        store: Parameters,
        gradient: Array,
        total: int,
        steps: int,
        clippings: Sequence[Clipping] = (),
        kernels: Kernels | None = None,
    ) -> None:
        super().__init__(optimizer, gradient, total, clippings, kernels)
        self._all: list[tuple[Region, _Part]] = []
        self.state: dict[str, Array] = {}
        for region in store.regions:
            group = optimizer.groups[region.group] if region.group >= 0 else None
            own: Optimizer = group.optimizer if group is not None else optimizer
            update = self._bound(own, region, store, total, kernels)
            schedule = own if group is not None and group.has_own_rate else None
            factor = group.learning_rate_factor if group is not None else None
            first = region.from_epoch * steps
            self._all.append((region, _Part(update, schedule, factor or 1.0, first)))
        self.enter(0)

    def _bound(
        self,
        optimizer: Optimizer,
        region: Region,
        store: Parameters,
        total: int,
        kernels: Kernels | None,
    ) -> BoundUpdate:
        slots = [slot for slot in store.slots if region.holds(slot)]
        if optimizer.per_parameter:
            parameters = [
                (slot.info, store.arrays[slot.key], view(self._whole, slot)) for slot in slots
            ]
            whole = ParameterUpdate(optimizer, parameters, total)
            self.state |= whole.state
            return whole
        part = slice(region.start, region.stop)
        update = VectorUpdate(optimizer, store.vector[part], self._whole[part], total, kernels)
        for slot in slots:
            start = slot.offset - region.start
            for name, array in update.state.items():
                own = array[start : start + slot.size].reshape(slot.parameter.shape)
                self.state[f"{slot.key}:{name}"] = own
        return update

    def enter(self, epoch: int) -> None:
        """Update the parameters that an epoch trains from now on."""
        trained = [each for each in self._all if each[0].from_epoch <= epoch]
        stop = trained[-1][0].stop if trained else 0
        self._take([part for _, part in trained], self._whole[:stop])

    def state_of(self, slot: Slot) -> dict[str, Array]:
        """Return the arrays of a parameter's optimizer."""
        start = f"{slot.key}:"
        return {
            key.removeprefix(start): array
            for key, array in self.state.items()
            if key.startswith(start)
        }


def bound_update(
    optimizer: Optimizer,
    store: Parameters,
    gradient: Array,
    total: int,
    steps: int = 1,
    clippings: Sequence[Clipping] = (),
    kernels: Kernels | None = None,
) -> Update | GroupedUpdate:
    """Return an optimizer bound to a model's parameters, which are laid out by its groups.

    Args:
        total: number of updates in the whole training, for schedules.
        steps: number of updates in an epoch.
    """
    late = any(region.from_epoch for region in store.regions)
    if optimizer.per_parameter or optimizer.groups or late:
        return GroupedUpdate(optimizer, store, gradient, total, steps, clippings, kernels)
    return Update(optimizer, store.vector, gradient, total, clippings, kernels)
