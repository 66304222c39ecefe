"""Gradient clipping and optimizer updates of the flat parameter vector, slice by slice.

An optimizer with groups has an update for each region of the vector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod, sqrt

import numpy as np

from declnet.contracts.arrays import Array, Dtype, Shape
from declnet.contracts.kernel import KernelSite
from declnet.contracts.optimizer import Optimizer
from declnet.contracts.parameter import OptimizerState, ParameterInfo
from declnet.contracts.returned import checked_state_names, checked_state_shapes
from declnet.graph.kernels import Kernels
from declnet.graph.parameters import Parameters, Region, Slot, view
from declnet.graph.schedules import ScheduledValues

Clip = Callable[[Array], None]


def clippings(norm: float | None, value: float | None) -> tuple[Clip, ...]:
    """Return the clipping of the flat gradient, regularizers included: by value, then by norm.

    Args:
        norm: scales the whole gradient down if its Euclidean norm is larger than this. (PyTorch's
            `clip_grad_norm_` divides by norm + 1e-6; this by the norm.)
        value: clips each number to [-value, value].
    """
    by_value = () if value is None else (partial(_by_value, value),)
    by_norm = () if norm is None else (partial(_by_norm, norm),)
    return (*by_value, *by_norm)


def _by_value(value: float, gradient: Array) -> None:
    np.clip(gradient, -value, value, out=gradient)


def _by_norm(maximum: float, gradient: Array) -> None:
    norm = sqrt(float(np.vdot(gradient, gradient)))
    if norm > maximum:
        np.multiply(gradient, maximum / norm, out=gradient)


SLICE = 131072
"""Elements per slice. For 670 000 parameters, an Adam step took 1200 µs with this size, 1480 with
half of it, 1370 with twice it (1460 without slices, on another machine with other caches)."""

FLUSH_EVERY = 64
"""Steps between checks for denormal numbers in the optimizer's state."""


class Update:
    """An optimizer bound to a parameter vector.

    Args:
        total: number of updates in the whole training, for schedules.

    Attributes:
        scale: a factor applied to every learning rate.
        state: the optimizer's arrays by name, each as long as the vector.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        vector: Array,
        gradient: Array,
        total: int,
        clippings: Sequence[Clip] = (),
        kernels: Kernels | None = None,
    ) -> None:
        self._optimizer, self._gradient, self._clippings = optimizer, gradient, clippings
        self._total, self.scale = total, 1.0
        names = checked_state_names(optimizer, optimizer.state_names())
        self.state = {name: np.zeros_like(vector) for name in names}
        schedules = ScheduledValues(total)
        self._now = schedules.of(optimizer)
        self._begin = schedules.begin if schedules else None
        size = min(SLICE, len(vector))
        self._scratch = (np.empty(size, vector.dtype), np.empty(size, vector.dtype))
        self._small = np.empty(size, bool)
        site = KernelSite((optimizer,), w=vector, dw=gradient, state=self._state(slice(None), 0))
        calls = kernels.bind_single(optimizer, site) if kernels is not None else None
        self._update = calls.update if calls is not None else None
        parts = [slice(start, start + SLICE) for start in range(0, len(vector), SLICE)]
        self._slices = [
            (vector[part], gradient[part], self._state(part, len(vector[part]))) for part in parts
        ]

    def __call__(self, step: int) -> float:
        """Update every parameter, with steps counted from 1; return the step's learning rate."""
        rate = self._optimizer.rate(step, self._total) * self.scale
        for clip in self._clippings:
            clip(self._gradient)
        self.apply(rate, step)
        return rate

    def apply(self, rate: float, step: int, before: int = 0) -> None:
        """Update every parameter with a learning rate, without clipping the gradient.

        Args:
            before: the steps before the first one that updates these parameters, which their
                optimizer does not count; schedules do.
        """
        if self._begin is not None:
            self._begin(step)
        step -= before
        if self._update is not None:
            self._update(rate, step)
        else:
            update = self._optimizer.update
            for w, dw, state in self._slices:
                update(w, dw, state, rate, step)
        if step % FLUSH_EVERY == 0:
            self._flush_denormals()

    def state_of(self, slot: Slot) -> dict[str, Array]:
        """Return the optimizer's arrays for one parameter, in its shape."""
        return {name: view(array, slot) for name, array in self.state.items()}

    def _state(self, part: slice, size: int) -> OptimizerState:
        """Return the optimizer's state for a part of the vector, with scratch of a size."""
        state = OptimizerState((self._scratch[0][:size], self._scratch[1][:size]), self._now)
        for name, array in self.state.items():
            setattr(state, name, array[part])
        return state

    def _flush_denormals(self) -> None:
        for array in self.state.values():
            flush_denormals(array, self._scratch[0], self._small)


def flush_denormals(array: Array, scratch: Array, small: Array) -> None:
    """Set denormal numbers of an optimizer's state to 0.

    The moments of a unit whose gradient has vanished keep decaying, and an operation on a denormal
    number takes about a hundred times as long as on any other.

    Args:
        array: flat.
        scratch: at least `SLICE` elements, or as many as the array has.
        small: as many booleans.
    """
    tiny = np.finfo(array.dtype).tiny
    for start in range(0, len(array), SLICE):
        part = array[start : start + SLICE]
        size, is_small = scratch[: len(part)], small[: len(part)]
        np.abs(part, out=size)
        np.less(size, tiny, out=is_small)
        np.copyto(part, 0, where=is_small)


class ParameterUpdate:
    """An optimizer that sees whole parameters, bound to some of them.

    Args:
        parameters: each with its array and its gradient, both contiguous.
        total: number of updates in the whole training, for schedules.

    Attributes:
        state: the optimizer's arrays by `<parameter>:<name>`.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        parameters: Sequence[tuple[ParameterInfo, Array, Array]],
        total: int,
    ) -> None:
        self._update = optimizer.update
        schedules = ScheduledValues(total)
        now = schedules.of(optimizer)
        self._begin = schedules.begin if schedules else None
        memory = _SharedMemory()
        self.state: dict[str, Array] = {}
        self._arguments: list[tuple[Array, Array, OptimizerState]] = []
        for info, w, dw in parameters:
            shapes, further = state_shapes(optimizer, info)
            scratch = (memory.array(position, w.shape, w.dtype) for position in (0, 1))
            state = OptimizerState((next(scratch), next(scratch)), now, info)
            for name, shape in shapes.items():
                self.state[f"{info.name}:{name}"] = np.zeros(shape, w.dtype)
                setattr(state, name, self.state[f"{info.name}:{name}"])
            for name, shape in further.items():
                setattr(state, name, memory.array(name, shape, w.dtype))
            self._arguments.append((w, dw, state))
        size = min(SLICE, max((each.size for each in self.state.values()), default=0))
        kind = parameters[0][1].dtype if parameters else np.dtype(float)
        self._size, self._small = np.empty(size, kind), np.empty(size, bool)

    def apply(self, rate: float, step: int, before: int = 0) -> None:
        """As `Update.apply`."""
        if self._begin is not None:
            self._begin(step)
        step -= before
        update = self._update
        for w, dw, state in self._arguments:
            update(w, dw, state, rate, step)
        if step % FLUSH_EVERY == 0:
            for array in self.state.values():
                flush_denormals(array.reshape(-1), self._size, self._small)


def state_shapes(
    optimizer: Optimizer, parameter: ParameterInfo
) -> tuple[dict[str, Shape], dict[str, Shape]]:
    """Return what an optimizer that sees whole parameters keeps for one, and its workspace."""
    kept = checked_state_shapes(optimizer, "state_shapes", optimizer.state_shapes(parameter))
    further = optimizer.workspace_shapes(parameter)
    return kept, checked_state_shapes(optimizer, "workspace_shapes", further, kept)


class _SharedMemory:
    """Arrays that are used one after another and share their memory."""

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
        region: the slice of the vector.
        schedule: the optimizer with the rate; None for the rate of the optimizer with the groups.
        factor: multiplies that rate.
        first: the steps before the first one that updates the region.
    """

    update: Update | ParameterUpdate
    region: Region
    schedule: Optimizer | None
    factor: float
    first: int


class GroupedUpdate:
    """An optimizer bound to the regions of a model's parameters: its groups, and frozen layers.

    Parameters that are frozen at first have their state from the start. An optimizer counts their
    steps from the first one that updates them; the rate follows the steps of the whole training.

    Args:
        total: number of updates in the whole training, for schedules.
        steps: number of updates in an epoch.

    Attributes:
        scale: a factor applied to every learning rate.
        state: the arrays of all optimizers by `<parameter>:<name>`.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        store: Parameters,
        gradient: Array,
        total: int,
        steps: int,
        clippings: Sequence[Clip] = (),
        kernels: Kernels | None = None,
    ) -> None:
        self._optimizer, self._whole, self._clippings = optimizer, gradient, clippings
        self._total, self.scale = total, 1.0
        self._all: list[_Part] = []
        self.state: dict[str, Array] = {}
        for region in store.regions:
            group = optimizer.groups[region.group] if region.group >= 0 else None
            own: Optimizer = group.optimizer if group is not None else optimizer
            update = self._bound(own, region, store, total, kernels)
            schedule = own if group is not None and group.has_own_rate else None
            factor = group.learning_rate_factor if group is not None else None
            first = region.from_epoch * steps
            self._all.append(_Part(update, region, schedule, factor or 1.0, first))
        self.enter(0)

    def _bound(
        self,
        optimizer: Optimizer,
        region: Region,
        store: Parameters,
        total: int,
        kernels: Kernels | None,
    ) -> Update | ParameterUpdate:
        slots = [slot for slot in store.slots if region.holds(slot)]
        if optimizer.per_parameter:
            parameters = [
                (slot.info, store.arrays[slot.key], view(self._whole, slot)) for slot in slots
            ]
            whole = ParameterUpdate(optimizer, parameters, total)
            self.state |= whole.state
            return whole
        part = slice(region.start, region.stop)
        update = Update(optimizer, store.vector[part], self._whole[part], total, kernels=kernels)
        for slot in slots:
            start = slot.offset - region.start
            for name, array in update.state.items():
                own = array[start : start + slot.size].reshape(slot.parameter.shape)
                self.state[f"{slot.key}:{name}"] = own
        return update

    def enter(self, epoch: int) -> None:
        """Update the parameters that an epoch trains from now on."""
        self._parts = [each for each in self._all if each.region.from_epoch <= epoch]
        self._gradient = self._whole[: self._parts[-1].region.stop if self._parts else 0]

    def state_of(self, slot: Slot) -> dict[str, Array]:
        """Return the arrays of a parameter's optimizer."""
        start = f"{slot.key}:"
        return {
            key.removeprefix(start): array
            for key, array in self.state.items()
            if key.startswith(start)
        }

    def __call__(self, step: int) -> float:
        """Update every parameter; return the step's rate of the parameters in no group."""
        main = self._optimizer.rate(step, self._total)
        for clip in self._clippings:
            clip(self._gradient)
        for part in self._parts:
            rate = main if part.schedule is None else part.schedule.rate(step, self._total)
            part.update.apply(rate * part.factor * self.scale, step, part.first)
        return main * self.scale


def bound_update(
    optimizer: Optimizer,
    store: Parameters,
    gradient: Array,
    total: int,
    steps: int = 1,
    clippings: Sequence[Clip] = (),
    kernels: Kernels | None = None,
) -> Update | GroupedUpdate:
    """Return an optimizer bound to a model's parameters, which are laid out by its groups.

    Args:
        total: number of updates in the whole training, for schedules.
        steps: number of updates in an epoch.
    """
    whole = optimizer.per_parameter
    if whole or optimizer.groups or any(region.from_epoch for region in store.regions):
        return GroupedUpdate(optimizer, store, gradient, total, steps, clippings, kernels)
    return Update(optimizer, store.vector, gradient, total, clippings, kernels)
