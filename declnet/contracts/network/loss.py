"""Loss: the function that training minimizes, and its targets."""

from collections.abc import Callable
from math import prod
from typing import Any, ClassVar, Literal

import numpy as np

from declnet.contracts.annotations import require_rows
from declnet.contracts.arrays import Array, Dtype, Rows, Shape
from declnet.contracts.component import Component


class Loss(Component):
    """A loss per sample, and its gradient.

    The graph takes the weighted mean, sum(w * losses) / sum(w), and weights the gradient the same
    way.
    """

    kind = "loss"
    conformance_checks = "declnet.testing.checks.losses"
    required_methods = ("forward", "backward")
    _spec_keys = frozenset({"output", "target", "weight", "metrics", "calibration", "loss"})

    targets: ClassVar[Literal["values", "classes", "binary"]] = "values"
    """What y holds: `values` of the prediction's shape ((n,) becomes (n, 1)); `classes`, as
    integers (n,) or one-hot (n, classes); or `binary`, 0 and 1 in the prediction's shape."""
    takes: ClassVar[
        Literal["distribution", "probabilities", "logits", "scores", "values"] | None
    ] = None
    """What y_pred holds: one `distribution` over the last axis of each sample; `probabilities`, one
    per output; `logits`, which `predictions` turns into probabilities; `scores`, any numbers to
    compare with `threshold`; or any `values`. The output ranges of the last layers are checked
    against it before training; None disables the check."""
    threshold: ClassVar[float] = 0.5
    """For binary targets: a prediction above it means 1."""
    ordered: ClassVar[bool] = False
    """For classes: whether their order matters, so that texts need `data.class_order`."""
    example_shapes: ClassVar[tuple[Any, ...]] = ()
    """For the conformance kit: shapes of a prediction, e.g. `((3,),)`; or pairs of such a shape and
    the shape of a sample of y, e.g. `(((2,), ()),)`. Default: usual ones for `targets`."""

    def class_count(self, units: int) -> int:
        """Return how many classes a last layer with that many units tells apart; default: as many.

        `predictions` of a loss that defines this has a probability for each class.
        """
        return units

    def prepare(self, y: Array, output_shape: Shape, dtype: Dtype) -> Rows:
        """Return the `y_true` of forward and backward for a data set's y; called once per data set.

        Default: converts by `targets`; classes become one-hot.

        Args:
            y: as passed by the user, the sample axis first.
            output_shape: the shape of a prediction, without the batch axis.
            dtype: the model's float type.

        Raises:
            ValueError: y does not match the prediction; the message says why.
        """
        if self.targets == "classes":
            return _one_hot(y, output_shape, dtype, self.class_count)
        if y.shape[1:] != output_shape and not (y.ndim == 1 and prod(output_shape) == 1):
            shape = y.shape[1:]
            raise ValueError(f"y has shape {shape} a sample, the model's output {output_shape}")
        values: Array = y.astype(dtype).reshape(len(y), *output_shape)
        if self.targets == "binary" and (others := values[~np.isin(values, (0, 1))]).size:
            raise ValueError(f"binary targets are 0 and 1, but y has {others[0]}")
        return values

    def verify_prepare(self, y_true: Array, y: Array, *_: Any) -> None:
        """Raise Misfit unless there is a row for each sample."""
        require_rows(y_true, len(y))

    def predictions(self, y_pred: Array) -> Rows:
        """Turn the model's output into predictions, for metrics, `declnet predict` and exports.

        Default: unchanged. A loss that takes logits returns probabilities here, in a new array:
        `y_pred` (n, *output shape) is only read.
        """
        return y_pred

    def verify_predictions(self, predictions: Array, y_pred: Array) -> None:
        """Raise Misfit unless there is a row for each sample."""
        require_rows(predictions, len(y_pred))

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Fill `losses`, of shape (n,), with the loss of each sample."""
        raise NotImplementedError

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """Fill `dy_pred` with d(losses)/d(y_pred), not divided by n."""
        raise NotImplementedError


def _one_hot(
    y: Array, output_shape: Shape, dtype: Dtype, class_count: Callable[[int], int]
) -> Array:
    """Return labels as one-hot rows (n, classes); check rows that are already one-hot."""
    if len(output_shape) != 1:
        raise ValueError(f"class labels need a last layer of shape (classes,), not {output_shape}")
    units = output_shape[0]
    classes = class_count(units)
    if y.ndim == 2 and y.shape[1] != 1:
        if y.shape[1] != classes:
            raise ValueError(
                f"y is one-hot with {y.shape[1]} classes, the last layer has {units}"
                f"{f' units, for {classes}' if classes != units else ''}"
            )
        rows = y.astype(dtype)
        if not (np.isin(rows, (0, 1)).all() and (rows.sum(axis=1) == 1).all()):
            raise ValueError("y has two axes, but its rows are not one-hot (one 1, the others 0)")
        return rows
    labels = y.reshape(-1) if y.ndim == 2 else y
    if labels.ndim != 1 or labels.dtype.kind not in "iub":
        raise ValueError(f"class labels are integers, but y is {y.dtype} of shape {y.shape[1:]}")
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        raise ValueError(
            f"labels range from {labels.min()} to {labels.max()}, but the last layer has {units} "
            f"unit{'s' if units != 1 else ''}, for the labels 0 to {classes - 1}"
        )
    rows = np.zeros((len(labels), classes), dtype)
    rows[np.arange(len(labels)), labels.astype(np.intp)] = 1
    return rows
