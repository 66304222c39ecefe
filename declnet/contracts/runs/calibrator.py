"""Calibrator: makes a trained model's predictions say how far they can be trusted."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from declnet.contracts.annotations import Misfit
from declnet.contracts.arrays import Array, Shape
from declnet.contracts.component import Component
from declnet.contracts.data.transform import require_storable
from declnet.contracts.returned import BrokenContractError, verified
from declnet.contracts.serialization import StoredState
from declnet.display.words import counted
from declnet.errors import RegistryError

Task = Literal["classes", "binary", "flags", "values"]
"""What predictions are: `classes`, a unit for each class; `binary`, one unit for two classes;
`flags`, several units for yes or no each; or `values`."""

Thresholds = float | tuple[float, ...]
"""A threshold; of several yes-or-no units, also one for each."""

CalibratorState = StoredState
"""What a calibrator learned: values by name, as of a transform, but finite ones."""

GIVES = ("apply", "threshold", "intervals", "sets")
"""The methods of which a calibrator implements one or more."""


class Calibrator(Component):
    """A step that is fitted once, after the training, and completes all later predictions.

    It is fitted to the final model's predictions for the validation data, as the steps before it
    changed them, and implements one or more of `apply`, `threshold`, `intervals` and `sets`. What
    it learns is in the state that `fit` returns, never on the instance.

    Arrays are float64 and only read. By the task, predictions and targets are:

    - `classes`: probabilities (n, classes) and labels (n,), integers
    - `binary`: the probability of the second class, (n,), and labels 0 and 1, (n,)
    - `flags`: probabilities (n, outputs) and labels 0 and 1, (n, outputs)
    - `values`: numbers (n,) or (n, *shape), and targets of that shape; with `takes_quantiles` also
      (n, k), if the loss predicts k numbers for each target, and targets (n,)
    """

    kind = "calibrator"
    conformance_checks = "declnet.testing.checks.calibrators"
    required_methods = ("fit",)

    tasks: ClassVar[tuple[Task, ...]] = ("classes", "binary", "flags", "values")
    """The tasks whose predictions it takes; a spec with any other is an error."""
    takes_scores: ClassVar[bool] = False
    """Whether it also takes scores in place of probabilities, e.g. of a hinge loss."""
    takes_quantiles: ClassVar[bool] = False
    """Whether it also takes several numbers for each target, e.g. quantiles."""

    @classmethod
    def verify_contract(cls) -> None:
        """Raise RegistryError also for a class without any of the methods that `gives` names."""
        super().verify_contract()
        if not cls.gives():
            methods = ", ".join(f"{method}()" for method in GIVES)
            raise RegistryError(f"{cls.__name__} implements none of {methods}")

    @classmethod
    def gives(cls) -> tuple[str, ...]:
        """Return which of `apply`, `threshold`, `intervals` and `sets` it implements."""
        return tuple(
            method for method in GIVES if getattr(cls, method) is not getattr(Calibrator, method)
        )

    def least_samples(self) -> int:
        """Return the least number of validation samples that it can be fitted to; default: 1."""
        return 1

    def verify_targets(self, y_true: Array) -> None:
        """Raise ColumnError unless it can be fitted to numbers as targets; default: to all.

        It is called before the training, so that no run fails at its end.

        Args:
            y_true: targets (n, *shape) of the validation data, if the loss takes values; only read.
        """

    def fit(self, y_pred: Array, y_true: Array, task: Task) -> CalibratorState:
        """Return what it learns from predictions and targets of the validation data.

        Args:
            y_pred: finite predictions, of a shape that depends on the task.
            y_true: the targets.
            task: what the predictions are.
        """
        raise NotImplementedError

    def verify_fit(self, state: CalibratorState, *_: object) -> None:
        """Raise Misfit for a state that cannot be stored, or is not finite."""
        require_storable(state)
        for name, value in state.items():
            is_float = isinstance(value, np.ndarray | np.generic | float)
            if is_float and np.asarray(value).dtype.kind == "f" and not np.isfinite(value).all():
                raise Misfit("NaN or infinite numbers", f" as {name!r}")

    def apply(self, y_pred: Array, state: CalibratorState) -> Array:  # noqa: ARG002
        """Return better predictions, of the same shape, in a new array; rows are independent.

        Default: unchanged.
        """
        return y_pred

    def verify_apply(self, y: Array, y_pred: Array, _: CalibratorState) -> None:
        """Raise Misfit unless these are finite floats of the shape of `y_pred`."""
        _require_finite(y, y_pred.shape)

    def threshold(self, state: CalibratorState) -> float | Array:
        """Return the value of a unit above which the second of two classes, or yes, is predicted.

        For `flags` it may be a number for each unit, (outputs,).
        """
        raise NotImplementedError

    def verify_threshold(self, threshold: float | Array, _: CalibratorState) -> None:
        """Raise Misfit unless each threshold is a finite float."""
        array = np.asarray(threshold)
        _require_finite(array, array.shape)

    def intervals(self, y_pred: Array, state: CalibratorState) -> tuple[Array, Array]:
        """Return the lower and the upper bound of each target, in new arrays; for values.

        Each has the shape of a batch of targets. Rows are independent.
        """
        raise NotImplementedError

    def verify_intervals(
        self, bounds: tuple[Array, Array], y_pred: Array, _: CalibratorState
    ) -> None:
        """Raise Misfit unless these are finite floats, the lower ones not above the upper."""
        lower, upper = bounds
        for bound in bounds:
            _require_finite(bound, (len(y_pred), *upper.shape[1:]))
        if (lower > upper).any():
            raise Misfit("a lower bound that is above the upper one", "")

    def sets(self, y_pred: Array, state: CalibratorState) -> Array:
        """Return whether each class is in a sample's prediction set, booleans (n, classes).

        For `classes`, and for `binary` with two classes; rows are independent.
        """
        raise NotImplementedError

    def verify_sets(self, sets: Array, y_pred: Array, _: CalibratorState) -> None:
        """Raise Misfit unless there is a boolean for each sample and class."""
        shape = (*y_pred.shape, 2)[:2]
        if sets.dtype.kind != "b" or sets.shape != shape:
            raise Misfit.of(sets, f"an array of booleans of shape {shape}")

    def promised_coverage(self) -> float | None:
        """Return the share of targets that intervals or sets should hold; None if unknown."""
        return None

    def verify_promised_coverage(self, coverage: float | None) -> None:
        """Raise Misfit for a share outside (0, 1]."""
        if coverage is not None and not 0 < coverage <= 1:
            raise Misfit.of(coverage, "a number above 0, up to 1, or None")

    def summary(self, state: CalibratorState) -> str:
        """Return what it learned in a few words; default: its type and the numbers of its state."""
        numbers = [
            f"{value:.4g}" if name == self.type else f"{name} {value:.4g}"
            for name, value in state.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        ]
        return " ".join([self.type, ", ".join(numbers)]).strip()

    def verify_state(self, state: CalibratorState) -> None:
        """Raise ValueError unless the other methods can use a state read back from a file.

        A run's folder may have been edited or damaged; default: every state is accepted.
        """


def threshold_of(calibrator: Calibrator, state: CalibratorState, units: int) -> Thresholds:
    """Return the verified threshold of a calibrator for a number of units, or one for each.

    Raises:
        BrokenContractError: it returned something else.
    """
    threshold = verified(Calibrator.threshold, calibrator, state)
    if isinstance(threshold, float):
        return threshold
    if units == 1 or threshold.shape != (units,):
        fault = f"returned numbers of shape {threshold.shape} for {counted(units, 'unit')}"
        raise BrokenContractError(calibrator, "threshold", fault)
    return tuple(threshold.tolist())


def _require_finite(array: Array, shape: Shape) -> None:
    if array.dtype.kind != "f" or array.shape != shape:
        raise Misfit.of(array, f"an array of floats of shape {shape}")
    if not np.isfinite(array).all():
        raise Misfit("numbers that are NaN or infinite", "")
