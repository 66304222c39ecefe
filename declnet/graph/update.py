"""Gradient clipping and optimizer updates of the flat parameter vector, slice by slice.

There is an update for each region of the vector: each group of the optimizer, in layers that are
trained from the same epoch on.

The state of dead units decays to denormal numbers, which processors handle slowly, so every 64
steps they are set to zero.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from math import prod

import numpy as np

from declnet.contracts.arrays import Array, Dtype, Shape, read_only
from declnet.contracts.execution.kernel import Call, KernelSite
from declnet.contracts.execution.operations import (
    ClipNorm,
    ClipValue,
    FlushDenormals,
    OptimizerUpdate,
)
from declnet.contracts.network.optimizer import Optimizer
from declnet.contracts.network.parameter import OptimizerState, ParameterInfo
from declnet.contracts.returned import verified, verify
from declnet.graph.kernels import Kernels
from declnet.graph.parameters import Parameters, Region, view
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


class BoundUpdate(ABC):
    """An optimizer bound to some parameters, as calls without arguments.

    Args:
        total: number of updates in the whole training, for schedules.

    Attributes:
        has_own_rate: whether the optimizer decides on the rate, rather than the one with the
            groups.
        factor: multiplies the rate.
        first: the steps before the first one that updates these parameters, which the optimizer
            does not count; schedules do.
        calls: update every parameter.
        rate: the learning rate that they read, float64 (1,).
        step: the number of the update that they read, from 1, int64 (1,).
        now: all arrays that they read and that differ from update to update: these two, and those
            of scheduled fields.
        state: the optimizer's arrays by name.
    """

    has_own_rate, factor, first = False, 1.0, 0
    calls: tuple[Call, ...]

    def __init__(self, optimizer: Optimizer, total: int) -> None:
        self._optimizer = optimizer
        self.rate, self.step = np.zeros(1), np.zeros(1, np.int64)
        self._schedules = ScheduledValues(total)
        self._values = self._schedules.of(optimizer)
        self.now = (self.rate, self.step, *self._schedules.arrays)
        self.state: dict[str, Array] = {}

    def set(self, rate: float, step: int) -> None:
        """Set what the calls read in an update."""
        self._schedules.begin(step)
        self.rate[0], self.step[0] = rate, step - self.first

    def fill(self, values: Array, rates: Array, first: int) -> None:
        """Fill in what `now` holds in successive updates.

        Args:
            values: int64 (updates, len(now)); a float64 is stored as the integer of its bits.
            rates: their learning rates, float64 (updates,).
            first: the number of the first of them.
        """
        values[:, 0] = rates.view(np.int64)
        values[:, 1] = np.arange(first - self.first, first - self.first + len(values))
        self._schedules.fill(values[:, 2:], first)

    def rate_at(self, main: float, step: int, total: int) -> float:
        """Return the learning rate, given the rate of the optimizer with the groups."""
        if not self.has_own_rate:
            return main * self.factor
        rate = self._optimizer.rate(step, total)
        if type(rate) is not float:
            rate = verify(Optimizer.rate, self._optimizer, rate)
        return rate * self.factor

    def rates_at(self, main: Array, steps: range, total: int) -> Array:
        """Return the same for several steps."""
        if self.has_own_rate:
            main = verified(Optimizer.rates, self._optimizer, steps, total)
        return main * self.factor

    @property
    def has_evaluated(self) -> bool:
        """Whether the optimizer says which parameters are evaluated instead of the trained ones."""
        return self._optimizer.__class__.evaluated is not Optimizer.evaluated

    def evaluate(self, step: int) -> None:
        """Replace every parameter by the one that is evaluated after an update."""
        self._schedules.begin(step)  # a resumed training has made no update yet
        for w, arrays, info in self._parts():
            scratch = np.empty_like(w), np.empty_like(w)
            state = OptimizerState(scratch, self._values, info)
            for name, array in arrays.items():
                setattr(state, name, read_only(array))
            optimizer = self._optimizer
            w[...] = verified(Optimizer.evaluated, optimizer, read_only(w), state)

    @abstractmethod
    def _parts(self) -> Iterable[tuple[Array, Mapping[str, Array], ParameterInfo | None]]:
        """Return the parts that the optimizer sees at a time, with its arrays for each."""

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
        names = verified(Optimizer.state_names, optimizer)
        self.state = {name: np.zeros_like(vector) for name in names}
        self._vector = vector
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
            [OptimizerUpdate(optimizer, *arrays, self.rate, self.step) for arrays in slices]
            if bound is None
            else bound.update
        )
        self.calls = (*update, *_flushes(self.state.values(), self.step, self._scratch[0]))

    def _parts(self) -> Iterable[tuple[Array, Mapping[str, Array], ParameterInfo | None]]:
        for start in range(0, len(self._vector), SLICE):
            part = slice(start, start + SLICE)
            yield self._vector[part], {n: array[part] for n, array in self.state.items()}, None

    def _part(self, part: slice, size: int) -> OptimizerState:
        """Return the optimizer's state for a part of the vector, with scratch of a size."""
        state = OptimizerState((self._scratch[0][:size], self._scratch[1][:size]), self._values)
        for name, array in self.state.items():
            setattr(state, name, array[part])
        return state


def _flushes(arrays: Iterable[Array], step: Array, scratch: Array) -> list[FlushDenormals]:
    small = np.empty(len(scratch), bool)
    return [
        FlushDenormals(array.reshape(-1), step, FLUSH_EVERY, scratch, small) for array in arrays
    ]


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
        self._parameters = parameters
        memory = _SharedMemory()
        updates: list[Call] = []
        for info, w, dw in parameters:
            shapes, workspace = state_shapes(optimizer, info)
            scratch = (memory.array(position, w.shape, w.dtype) for position in (0, 1))
            state = OptimizerState((next(scratch), next(scratch)), self._values, info)
            for name, shape in shapes.items():
                self.state[f"{info.name}:{name}"] = np.zeros(shape, w.dtype)
                setattr(state, name, self.state[f"{info.name}:{name}"])
            for name, shape in workspace.items():
                setattr(state, name, memory.array(name, shape, w.dtype))
            updates.append(OptimizerUpdate(optimizer, w, dw, state, self.rate, self.step))
        size = min(SLICE, max((array.size for array in self.state.values()), default=0))
        kind = parameters[0][1].dtype if parameters else np.dtype(float)
        self.calls = (*updates, *_flushes(self.state.values(), self.step, np.empty(size, kind)))

    def _parts(self) -> Iterable[tuple[Array, Mapping[str, Array], ParameterInfo | None]]:
        for info, w, _ in self._parameters:
            yield w, arrays_of(info.name, self.state), info


def arrays_of(parameter: str, state: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays of a parameter's optimizer by name, from `<parameter>:<name>`."""
    start = f"{parameter}:"
    return {key.removeprefix(start): array for key, array in state.items() if key.startswith(start)}


def state_shapes(
    optimizer: Optimizer, parameter: ParameterInfo
) -> tuple[dict[str, Shape], dict[str, Shape]]:
    """Return what an optimizer that sees whole parameters keeps for one, and its workspace."""
    workspace = verified(Optimizer.workspace_shapes, optimizer, parameter)
    return verified(Optimizer.state_shapes, optimizer, parameter), workspace


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


class Update:
    """An optimizer bound to the regions of a model's parameters.

    Parameters that are frozen at first have their state from the start. An optimizer counts their
    steps from the first one that updates them; the rate follows the steps of the whole training.

    Args:
        total: number of updates in the whole training, for schedules.
        steps: number of updates in an epoch.

    Attributes:
        scale: a factor applied to every learning rate.
        state: the arrays of all optimizers by `<parameter>:<name>`.
        calls: clip the gradient and update the parameters that the epoch entered last trains.
        compiled: the same, compiled by the engine if there is one.
        now: the arrays that the calls read and that differ from update to update.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        store: Parameters,
        gradient: Array,
        total: int,
        steps: int = 1,
        clippings: Sequence[Clipping] = (),
        kernels: Kernels | None = None,
    ) -> None:
        self._optimizer, self._total, self.scale = optimizer, total, 1.0
        self._gradient, self._clippings = gradient, clippings
        self._kernels = kernels or Kernels()
        self.state: dict[str, Array] = {}
        self._regions: list[tuple[Region, BoundUpdate]] = []
        for region in store.regions:
            group = optimizer.groups[region.group] if region.group >= 0 else None
            member: Optimizer = optimizer if group is None else group.optimizer
            update = self._bound(member, region, store)
            update.first = region.from_epoch * steps
            if group is not None:
                update.has_own_rate = group.has_own_rate
                update.factor = group.learning_rate_factor or 1.0
            self._regions.append((region, update))
        self.enter(0)

    def _bound(self, optimizer: Optimizer, region: Region, store: Parameters) -> BoundUpdate:
        slots = [slot for slot in store.slots if region.holds(slot)]
        if optimizer.per_parameter:
            parameters = [
                (slot.info, store.arrays[slot.key], view(self._gradient, slot)) for slot in slots
            ]
            by_parameter = ParameterUpdate(optimizer, parameters, self._total)
            self.state |= by_parameter.state
            return by_parameter
        part = slice(region.start, region.stop)
        arrays = store.vector[part], self._gradient[part]
        update = VectorUpdate(optimizer, *arrays, self._total, self._kernels)
        for slot in slots:
            start = slot.offset - region.start
            for name, array in update.state.items():
                values = array[start : start + slot.size].reshape(slot.parameter.shape)
                self.state[f"{slot.key}:{name}"] = values
        return update

    def enter(self, epoch: int) -> None:
        """Update the parameters that an epoch trains from now on."""
        trained = [entry for entry in self._regions if entry[0].from_epoch <= epoch]
        gradient = self._gradient[: trained[-1][0].stop if trained else 0]
        self._updates = [update for _, update in trained]
        clips = tuple(clipping(gradient) for clipping in self._clippings)
        self.calls = (*clips, *(call for update in self._updates for call in update.calls))
        self.compiled = self._kernels.compile(self.calls)
        self._calls = self.compiled.calls
        self.now = tuple(array for update in self._updates for array in update.now)

    @property
    def has_evaluated(self) -> bool:
        """Whether an optimizer says which parameters are evaluated instead of the trained ones."""
        return any(update.has_evaluated for _, update in self._regions)

    def evaluate(self, step: int) -> None:
        """Replace the parameters of these optimizers by those that are evaluated after an update.

        Args:
            step: the number of the update, from 1.
        """
        for _, update in self._regions:
            if update.has_evaluated:
                update.evaluate(step)

    def __call__(self, step: int) -> float:
        """Update every parameter, with steps counted from 1.

        Returns:
            The learning rate of the step, of the parameters in no group.
        """
        main, scale, total = self._optimizer.rate(step, self._total), self.scale, self._total
        if type(main) is not float:  # as every rate of the core's own is
            main = verify(Optimizer.rate, self._optimizer, main)
        for update in self._updates:
            update.set(update.rate_at(main, step, total) * scale, step)
        for call in self._calls:
            call()
        return main * scale

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, of the parameters in no group."""
        return verified(Optimizer.rate, self._optimizer, step, self._total) * self.scale

    def fill(self, values: Array, first: int) -> None:
        """Fill in what `now` holds in successive updates.

        Args:
            values: int64 (updates, len(now)); a float64 is stored as the integer of its bits.
            first: the number of the first of these updates.
        """
        steps, total = range(first, first + len(values)), self._total
        main, column = verified(Optimizer.rates, self._optimizer, steps, total), 0
        for update in self._updates:
            rates, stop = update.rates_at(main, steps, total) * self.scale, column + len(update.now)
            update.fill(values[:, column:stop], rates, first)
            column = stop
