"""Metric: a number that people read, over a data set that comes in batches."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from declnet.contracts.arrays import Array
from declnet.contracts.component import Component
from declnet.contracts.strict_model import Label

Better = Literal["higher", "lower"]
"""Which values of a metric are the better ones."""


class Metric(Component):
    """A number over all batches of a data set; what it counts lives in the state that it starts."""

    kind = "metric"
    required_methods = ("start", "update", "result")

    better: ClassVar[Better | None] = None
    """Whether higher or lower values are better: callbacks that monitor it, `compare` and `sweep`
    rely on it. None if neither is, so that it can be monitored only with an explicit `mode`."""
    abbreviation: ClassVar[str | None] = None
    """What log lines call it where it has no name of its own; default: its type."""
    example_shapes: ClassVar[tuple[Any, ...]] = ()
    """For the conformance kit: shapes of a prediction, or pairs of such a shape and that of a
    sample of y, as in `Loss.example_shapes`. Default: usual ones."""

    name: Label | None = Field(
        default=None,
        description="what it is called in logs and files; default: its type",
    )

    @property
    def label(self) -> str:
        """What it is called in logs and files: its name, or its type."""
        return self.name or self.type

    def start(self) -> Any:
        """A new state, e.g. a list of counts, that `update` changes in place."""
        raise NotImplementedError

    def update(self, state: Any, y_pred: Array, y_true: Array) -> None:
        """Add a batch.

        Args:
            state: as `start` returned it, changed in place.
            y_pred: predictions (n, *shape), as `Loss.predictions` returned them; only read.
            y_true: y as the user gave it, (n, …).
        """
        raise NotImplementedError

    def result(self, state: Any) -> float:
        """Return the number over all that was added; NaN if there is none."""
        raise NotImplementedError
