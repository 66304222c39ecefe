"""Schedule: the learning rate of each step."""

from __future__ import annotations

from declnet.components.component import Component


class Schedule(Component):
    """A learning rate that depends on the step, and on how many there will be."""

    kind = "schedule"
    required_methods = ("rate",)

    def rate(self, step: int, total: int) -> float:
        """Return the learning rate of an update, finite and at least 0.

        Args:
            step: of the update, from 1.
            total: updates of the whole training, if no callback ends it early.
        """
        raise NotImplementedError
