"""Metric: a figure that people read, over a data set that comes in batches."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from declnet.components.arrays import Array
from declnet.components.component import Component
from declnet.components.readable_name import Label


class Metric(Component):
    """A figure over all batches of a data set; what it counts lives in the state that it starts."""

    kind = "metric"
    required_methods = ("start", "update", "result")

    name: Label | None = Field(
        default=None,
        description="what its figure is called in logs and files; default: its type",
    )

    @property
    def label(self) -> str:
        """What its figure is called: its name, or its type."""
        return self.name or self.type

    def start(self) -> Any:
        """A new state, e.g. a list of counts, that `update` changes in place."""
        raise NotImplementedError

    def update(self, state: Any, y_pred: Array, y_true: Array) -> None:
        """Adds a batch: predictions (n, *output shape), and y as the user gave it."""
        raise NotImplementedError

    def result(self, state: Any) -> float:
        """The figure over all that was added."""
        raise NotImplementedError
