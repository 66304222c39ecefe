"""Metric: a number computed over a data set in batches."""

from math import isfinite
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from declnet.contracts.annotations import Misfit
from declnet.contracts.arrays import Array, read_only
from declnet.contracts.component import Component
from declnet.contracts.network.directions import Better
from declnet.contracts.strict_model import Label
from declnet.errors import RegistryError


class Metric(Component):
    """A number computed over all batches of a data set; its running totals are in a state."""

    kind = "metric"
    conformance_checks = "declnet.testing.checks.metrics"
    required_methods = ("start", "update", "result")

    better: ClassVar[Better | None] = None
    """Which values are better, for callbacks that monitor it, `compare`, `sweep` and `tune`:
    `"higher"` or `"lower"` ones, or a number, to which closer ones are better. None if that is
    unknown; it can then be monitored only with an explicit `mode`."""
    best_constant: ClassVar[Literal["mode", "mean", "median", "shares"] | None] = None
    """The constant prediction with the best value, which is the baseline of a model: the most
    frequent class, the mean, the median, or the shares of the classes as probabilities. Default, or
    where that does not exist: the most frequent class, or the mean of numbers."""
    abbreviation: ClassVar[str | None] = None
    """Its label in log lines if it has no `name`; default: its type."""
    example_shapes: ClassVar[tuple[Any, ...]] = ()
    """For the conformance kit: shapes of a prediction, or pairs of prediction and target shapes, as
    in `Loss.example_shapes`. Default: usual ones."""

    name: Label | None = Field(
        default=None,
        description="what it is called in logs and files; default: its type",
    )

    @classmethod
    def verify_contract(cls) -> None:
        """Check the class; a number in `better` must be finite."""
        super().verify_contract()
        if isinstance(cls.better, float) and not isfinite(cls.better):
            raise RegistryError(f"{cls.__name__}.better is {cls.better}, but must be finite")

    @property
    def label(self) -> str:
        """Its label in logs and files: its name, or its type."""
        return self.name or self.type

    def start(self) -> Any:
        """Return a new state, e.g. a list of counts, for `update` to change in place."""
        raise NotImplementedError

    def update(self, state: Any, y_pred: Array, y_true: Array) -> None:
        """Add a batch.

        Args:
            state: as `start` returned it, changed in place.
            y_pred: predictions (n, *shape), as `Loss.predictions` returned them; read-only.
            y_true: y as passed by the user, (n, …); read-only.
        """
        raise NotImplementedError

    def result(self, state: Any) -> float:
        """Return the metric over all batches added so far; NaN if there are none."""
        raise NotImplementedError

    def leaving_out(self, y_pred: Array, y_true: Array, part_of: Array) -> Array:
        """Return, for each part of some samples, the metric of all samples outside of it.

        A callback that selects an epoch by this metric needs them after every epoch. Override it if
        all of them together take less work; the results must be those of the other methods.

        Args:
            y_pred: predictions (n, *shape), as for `update`.
            y_true: y, (n, …), as for `update`.
            part_of: the part (n,) of each sample, numbers from 0 that all occur.

        Returns:
            The metrics, (parts,).
        """
        metrics = []
        for part in range(int(part_of.max()) + 1):
            state, others = self.start(), part_of != part
            self.update(state, read_only(y_pred[others]), read_only(y_true[others]))
            metrics.append(self.result(state))
        return np.array(metrics, float)

    def verify_leaving_out(self, metrics: Array, _: Array, __: Array, part_of: Array) -> None:
        """Raise Misfit unless there is a number for each part."""
        parts = int(part_of.max()) + 1
        if metrics.shape != (parts,) or metrics.dtype.kind != "f":
            value = f"an array {metrics.shape} of {metrics.dtype}"
            raise Misfit(value, f", not a number for each of {parts} parts")
