"""Fields of components with a schedule, as a recorded component reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from declnet import Array, Component, LayerState, OptimizerState, Schedule


class CurrentValues:
    """The scheduled fields of a component that runs on copies.

    Args:
        now: the fields that are plain numbers, among others.
        scheduled: returns the number of a field with a schedule.
    """

    def __init__(self, now: Any, scheduled: Mapping[str, Callable[[], Any]]) -> None:
        self._now, self._scheduled = now, scheduled

    def __getattr__(self, name: str) -> Any:
        read = self._scheduled.get(name)
        return getattr(self._now, name) if read is None else read()


def scheduled_fields(owner: Any, arguments: Sequence[Any]) -> tuple[dict[str, Any], list[Array]]:
    """Return the fields of a component that have a schedule, with their ranges, and their arrays.

    Args:
        owner: the component, or None.
        arguments: the arguments of the call, with its state among them.
    """
    fields = owner.scheduled_fields() if isinstance(owner, Component) else {}
    scheduled = {name: bounds for name, bounds in fields.items() if _has_schedule(owner, name)}
    states = [
        argument for argument in arguments if isinstance(argument, LayerState | OptimizerState)
    ]
    return scheduled, [state.now[name] for state in states[:1] for name in scheduled]


def _has_schedule(owner: Component, name: str) -> bool:
    return isinstance(getattr(owner, name), Schedule)


def itself(value: Any) -> Any:
    """Return a value."""
    return value
