"""The values of scheduled fields, computed once for each step.

Each field annotated with `Scheduled` has an array of one number, which components read as
`state.now.rate` and compiled kernels bind as `state.now["rate"]`. Fields of the same name and
schedule share one. For a stretch of compiled steps all values are computed in advance
(`StepLoop.now`).
"""

from __future__ import annotations

from math import nan
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.component import Component
from declnet.contracts.network.parameter import CurrentValues
from declnet.contracts.network.schedule import Schedule, rate_at
from declnet.contracts.number_or import NumberOr


class ScheduledValues:
    """The `now` of components, updated at each step.

    Args:
        total: number of updates in the whole training, for schedules.

    Attributes:
        arrays: hold the values of fields with a schedule, float64 (1,) each; fields of the same
            name and schedule share one.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._due: list[tuple[str, Schedule, NumberOr]] = []
        self.arrays: list[Array] = []

    def of(self, component: Component) -> CurrentValues:
        """Return a component's values; a schedule sets its value from the first step on."""
        fields = component.scheduled_fields().items()
        return CurrentValues(
            {name: self._array(component, name, bounds) for name, bounds in fields}
        )

    def _array(self, component: Component, name: str, bounds: NumberOr) -> Array:
        value: Any = getattr(component, name)
        if not isinstance(value, Schedule):
            return np.array([value], np.float64)
        field = name, value, bounds
        if field not in self._due:
            self._due.append(field)
            self.arrays.append(np.full(1, nan))
        return self.arrays[self._due.index(field)]

    def begin(self, step: int) -> None:
        """Compute the values for a step, counted from 1.

        Raises:
            BrokenContractError: a schedule returned no number, or one outside the field's range.
        """
        for array, (name, schedule, bounds) in zip(self.arrays, self._due, strict=True):
            array[0] = rate_at(schedule, step, self._total, name, bounds)

    def fill(self, values: Array, first: int) -> None:
        """Fill in what `arrays` hold in successive steps.

        Args:
            values: int64 (steps, len(arrays)); a float64 is stored as the integer of its bits.
            first: the number of the first of these steps.

        Raises:
            BrokenContractError: a schedule returned no number, or one outside the field's range.
        """
        steps, total = range(first, first + len(values)), self._total
        for number, (name, schedule, bounds) in enumerate(self._due):
            rates = [rate_at(schedule, step, total, name, bounds) for step in steps]
            values[:, number] = np.array(rates, np.float64).view(np.int64)
