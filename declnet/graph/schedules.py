"""The values of scheduled fields, computed once at each step."""

from __future__ import annotations

from typing import Any

from declnet.contracts.component import Component
from declnet.contracts.network.parameter import CurrentValues
from declnet.contracts.network.schedule import Schedule
from declnet.contracts.number_or import NumberOr
from declnet.contracts.returned import checked_value


class ScheduledValues:
    """The `now` of components, updated at each step; False if none of them has a schedule.

    Args:
        total: number of updates in the whole training, for schedules.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._due: list[tuple[dict[str, float], str, Schedule, NumberOr]] = []

    def __bool__(self) -> bool:
        return bool(self._due)

    def of(self, component: Component) -> CurrentValues:
        """Return a component's values; a schedule sets its value from the first step on."""
        now = CurrentValues()
        values: dict[str, float] = vars(now)
        for name, bounds in component.scheduled_fields().items():
            value: Any = getattr(component, name)
            if isinstance(value, Schedule):
                self._due.append((values, name, value, bounds))
            else:
                values[name] = value
        return now

    def begin(self, step: int) -> None:
        """Compute the values for a step, counted from 1.

        Raises:
            BrokenContractError: a schedule returned no number, or one outside the field's range.
        """
        total = self._total
        for values, name, schedule, bounds in self._due:
            values[name] = checked_value(schedule, schedule.rate(step, total), step, name, bounds)
