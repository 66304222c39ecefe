"""The targets that the losses of a run take from its data, and their transforms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.table import Table
from declnet.contracts.data.transform import ColumnError, Transform, TransformState, apply_to_array
from declnet.contracts.network.inputs import UNNAMED
from declnet.contracts.returned import verified
from declnet.data.columns import require_known
from declnet.errors import DataError, KeyPath
from declnet.spec.heads import PartialHead, TargetKind

AT_PREPARE: KeyPath = ("data", "prepare_targets")

ARRAY_TARGET = "y"
"""What `data.prepare_targets` calls y that is one array without a name."""


def target_key(name: str) -> str:
    """Return the name of a target for a `Fit`, which no column has."""
    return f"\0{name}"


@dataclass(frozen=True)
class LossTarget:
    """A target as a loss takes it.

    Attributes:
        name: the target's name; `""` for the only one, whatever its name.
        kind: what the loss takes, as `Loss.targets`.
        path: the key path of the loss.
        name_path: the key path that names the target.
        ordered: whether the order of the classes matters, as `Loss.ordered`.
    """

    name: str
    kind: TargetKind
    path: KeyPath = ("loss",)
    name_path: KeyPath = ("loss",)
    ordered: bool = False


def loss_targets_of(heads: Sequence[PartialHead]) -> tuple[LossTarget, ...]:
    """Return the targets of the losses of a spec; an unknown loss is assumed to take classes."""
    return tuple(
        LossTarget(
            head.target or head.name,
            head.loss.targets if head.loss is not None else head.targets or "classes",
            head.path,
            (*head.path, "target") if head.target else head.path,
            head.loss is not None and head.loss.ordered,
        )
        for head in heads
    )


@dataclass(frozen=True, eq=False)
class FittedTargetStep:
    """A transform fitted to a target, which is inverted in predictions."""

    transform: Transform
    state: TransformState


TargetSteps = Mapping[str, tuple[FittedTargetStep, ...]]
"""The fitted transforms of each target in order; `""` for y without a name."""


Fit = Callable[[Transform, str, int, Array], TransformState]
"""Fits a transform to a column, given its name, the transform's position and the column's rows."""


def fit_to_all(transform: Transform, name: str, number: int, column: Array) -> TransformState:  # noqa: ARG001
    """Fit a transform to all rows of a column."""
    return verified(Transform.fit, transform, column)


def fit_target_steps(
    train: Dataset,
    transforms: Mapping[str, Sequence[Transform]],
    loss_targets: Sequence[LossTarget],
    column: str | None,
    fit: Fit = fit_to_all,
) -> dict[str, tuple[FittedTargetStep, ...]]:
    """Fit the transforms of `data.prepare_targets` to the training data's targets.

    Args:
        train: the training data, its targets encoded.
        transforms: those of each target.
        loss_targets: the targets as the losses take them.
        column: the name of the target if y is one array of a table; None otherwise.
        fit: fits a transform to a target, by its key.

    Raises:
        DataError: there is no such target, it holds classes, or a transform cannot be fitted or
            inverted.
    """
    ys = {name or column or ARRAY_TARGET: y for name, y in train.targets.items()}
    classes = {target.name for target in loss_targets if target.kind != "values"}
    fitted = {}
    for name, of_target in transforms.items():
        require_known("target", name, ys, (*AT_PREPARE, name))
        key = name if name in train.targets else UNNAMED
        if key in classes or (key == UNNAMED and classes):
            raise DataError(
                f'the target "{name}" holds classes, which are not transformed',
                hint="remove this key",
                path=(*AT_PREPARE, name),
                code="E035",
            )
        fitted[key] = _fitted(ys[name], of_target, name, target_key(key), fit)
    return fitted


def _fitted(
    y: Array, transforms: Sequence[Transform], name: str, key: str, fit: Fit
) -> tuple[FittedTargetStep, ...]:
    steps = []
    for number, transform in enumerate(transforms):
        path = (*AT_PREPARE, name, number)
        if type(transform).inverse is Transform.inverse:
            raise DataError(
                f"{transform.type} cannot be inverted, so it cannot prepare a target",
                hint="predictions must be in the target's own units",
                path=path,
                code="E035",
            )
        if y.dtype.kind != "f" and number == 0:
            y = y.astype(float)
        try:
            state = fit(transform, key, number, y)
            y = apply_to_array(transform, y, state)
        except ColumnError as error:
            message = f'the target "{name}" {error.message} ({transform.type})'
            raise DataError(message, hint=error.hint, path=path, code="E035") from None
        steps.append(FittedTargetStep(transform, state))
    return tuple(steps)


def prepared_target(y: Array, steps: Sequence[FittedTargetStep], name: str) -> Array:
    """Return y as the loss gets it.

    Raises:
        DataError: a transform cannot be applied to a sample.
    """
    for number, step in enumerate(steps):
        y = y if y.dtype.kind == "f" else y.astype(float)
        try:
            y = apply_to_array(step.transform, y, step.state)
        except ColumnError as error:
            row = "" if error.row is None else f"sample {error.row + 1}: "
            message = f'{row}the target "{name or ARRAY_TARGET}" {error.message}'
            path = (*AT_PREPARE, name or ARRAY_TARGET, number)
            raise DataError(
                f"{message} ({step.transform.type})", hint=error.hint, path=path, code="E035"
            ) from None
    return y


def inverted_target(predictions: Array, steps: Sequence[FittedTargetStep]) -> Array:
    """Return predictions (n, …) in the units of the target."""
    for step in reversed(steps):
        with np.errstate(all="ignore"):
            predictions = verified(Transform.inverse, step.transform, predictions, step.state)
    return predictions


def only_target_column(data: Table | Dataset) -> str | None:
    """Return the name of the target if there is one; None if there are several or none."""
    columns = data.target_columns
    return columns[0] if len(columns) == 1 else None
