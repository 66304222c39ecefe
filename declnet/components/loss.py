"""Loss: what training makes small."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from declnet.components.arrays import Array, Dtype, Shape
from declnet.components.component import Component
from declnet.components.targets import prepare_targets


class Loss(Component):
    """A loss of each sample, and its gradient.

    The graph takes the mean, sum(w * losses) / sum(w), and weighs the gradient alike.
    """

    kind = "loss"
    required_methods = ("forward", "backward")

    targets: ClassVar[Literal["values", "classes", "binary"]] = "values"
    """What y holds: values of the prediction's shape ((n,) becomes (n, 1)); classes, as integers
    (n,) or one-hot (n, classes); or binary, 0 and 1 of the prediction's shape."""
    takes: ClassVar[
        Literal["distribution", "probabilities", "logits", "scores", "values"] | None
    ] = None
    """What y_pred holds: one `distribution` over the last axis of each sample; `probabilities`, one
    for each output; `logits`, which `predictions` turns into probabilities; `scores`, any numbers
    that are compared with `threshold`; or any `values`. The output ranges of the last layers are
    checked against it before training; None checks nothing."""
    threshold: ClassVar[float] = 0.5
    """For binary targets: a prediction above it means 1."""
    example_shapes: ClassVar[tuple[Any, ...]] = ()
    """For the conformance kit: shapes of a prediction, e.g. `((3,),)`; or pairs of such a shape and
    the shape of a sample of y, e.g. `(((2,), ()),)`. Default: usual ones for `targets`."""

    def prepare(self, y: Array, output_shape: Shape, dtype: Dtype) -> Array:
        """Turns a data set's y into the `y_true` of forward and backward; called once a data set.

        Default: by `targets`; classes become one-hot.

        Args:
            y: as the user gave it, the sample axis first.
            output_shape: the shape of a prediction, without the batch axis.
            dtype: the model's float type.

        Raises:
            ValueError: y does not fit the prediction; the message says why.
        """
        return prepare_targets(self.targets, y, output_shape, dtype)

    def predictions(self, y_pred: Array) -> Array:
        """Turn the model's output into predictions, for metrics, `declnet predict` and exports.

        Default: unchanged. A loss that takes logits returns probabilities here, in a new array:
        `y_pred` (n, *output shape) is only read.
        """
        return y_pred

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Fills `losses`, of shape (n,), with the loss of each sample."""
        raise NotImplementedError

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """Fills `dy_pred` with d(losses)/d(y_pred), not divided by n."""
        raise NotImplementedError
