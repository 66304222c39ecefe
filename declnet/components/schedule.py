"""Schedule: the learning rate of each step."""

from __future__ import annotations

from declnet.components.component import Component


class Schedule(Component):
    """A learning rate that depends on the step alone."""

    kind = "schedule"
    required_methods = ("rate",)

    def rate(self, step: int) -> float:
        """The learning rate of an update; steps count from 1."""
        raise NotImplementedError
