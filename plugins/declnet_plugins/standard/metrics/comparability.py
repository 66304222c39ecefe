"""Checks that a metric can compare the model's output with y, before anything is computed.

If y does not fit the loss either, only the loss reports it.
"""

from collections.abc import Iterator
from math import prod

import numpy as np

from declnet import DataInfo, Diagnostic, Loss, Metric, RunContext, Shape


def no_classes(metric: Metric, context: RunContext) -> Iterator[Diagnostic]:
    """Refuse an output other than one axis of several classes, unless the loss does."""
    shape = _output_shape(context)
    if shape is None or (context.loss is not None and context.loss.targets == "classes"):
        return
    if prod(shape) == 1:
        message = f"{metric.type} needs a unit for each class, but the model has a single unit"
        binary = context.loss is not None and context.loss.targets == "binary"
        if binary or any(info.target == "classes" for info in context.data.values()):
            yield _diagnostic(message, "use binary_accuracy for yes-or-no outputs")
        else:
            yield _diagnostic(message, "use regression_accuracy or r2 for numbers")
    else:
        yield from several_axes(metric, context)


def several_axes(metric: Metric, context: RunContext) -> Iterator[Diagnostic]:
    """Refuse an output of more than one axis, unless the loss does."""
    shape = _output_shape(context)
    if shape is None or (context.loss is not None and context.loss.targets == "classes"):
        return
    if len(shape) > 1 and prod(shape) > 1:
        message = (
            f"{metric.type} needs one axis of classes, but the model's output has shape {shape}"
        )
        yield _diagnostic(message, 'add "flatten" and a dense layer')


def several_units(metric: Metric, context: RunContext) -> Iterator[Diagnostic]:
    """Refuse more than one prediction for a sample."""
    shape = _predicted_shape(context)
    if shape is not None and prod(shape) != 1:
        message = f"{metric.type} needs a single unit, but the model's output has shape {shape}"
        yield _diagnostic(message, "use accuracy or f1 for several classes")


def several_choices(metric: Metric, context: RunContext) -> Iterator[Diagnostic]:
    """Refuse outputs that answer several questions, each yes or no, of one sample."""
    shape = _predicted_shape(context)
    if shape is None or context.loss is None or context.loss.targets != "binary":
        return
    if len(shape) == 1 and shape[0] > 1:
        message = (
            f"{metric.type} needs one label per sample, but with {context.loss.type} each of the "
            f"{shape[0]} units is a separate label"
        )
        yield _diagnostic(message, "use binary_accuracy for several yes-or-no outputs")


def no_probabilities(metric: Metric, context: RunContext) -> Iterator[Diagnostic]:
    """Refuse an output that need not be probabilities, for a loss that takes any numbers."""
    loss = context.loss
    if loss is None or loss.takes not in ("values", "scores"):
        return  # the loss checks for probabilities, or turns logits into them
    bounds = context.output_range
    if bounds is not None and not bounds.is_probability:
        message = f"{metric.type} needs probabilities, but the model's output is not probabilities"
        yield _diagnostic(message, "use r2 for numbers, or accuracy or f1 for scores of classes")


def other_sizes(metric: Metric, context: RunContext) -> Iterator[Diagnostic]:
    """Refuse data whose y lacks a number for each output, though the loss takes it."""
    shape, loss = _output_shape(context), context.loss
    if shape is None or loss is None or loss.targets == "binary":
        return
    hint = "use accuracy for class labels"
    if loss.targets == "values":
        hint = f"leave it out: the outputs of {loss.type} are not predictions of single numbers"
    for name, info in context.data.items():
        if _takes(loss, info, shape) and prod(info.target_shape) != _numbers(loss, shape):
            message = (
                f"{metric.type} compares each output with a number of y, but the model's output "
                f"has shape {shape}, and y of data.{name} has {_in_words(info.target_shape)}"
            )
            yield _diagnostic(message, hint)
            return


def _takes(loss: Loss, info: DataInfo, shape: Shape) -> bool:
    """Return whether a loss of values takes such y; of classes, it has been checked already."""
    if loss.targets == "classes":
        return True
    try:
        loss.prepare(np.ones((1, *info.target_shape)), shape, np.dtype(np.float64))
    except ValueError:
        return False
    return True


def _numbers(loss: Loss, shape: Shape) -> int:
    """Return how many numbers are predicted for a sample: members of an ensemble are averaged."""
    return prod(loss.predictions(np.zeros((1, *shape))).shape[1:])


def no_binary_labels(metric: Metric, context: RunContext) -> Iterator[Diagnostic]:
    """Refuse labels beyond 0 and 1 for a single unit, though the loss takes them as values."""
    shape = _output_shape(context)
    if shape is None or prod(shape) != 1 or context.loss is None:
        return
    if context.loss.targets != "values":
        return
    for name, info in context.data.items():
        if info.target == "classes" and info.classes is not None and info.classes > 2:
            message = (
                f"{metric.type} of a single unit takes labels of 0 and 1, but the labels of "
                f"data.{name} go up to {info.classes - 1}"
            )
            yield _diagnostic(message, "use regression_accuracy or r2 for numbers")
            return


def _in_words(target_shape: Shape) -> str:
    return f"shape {target_shape}" if target_shape else "one number per sample"


def _output_shape(context: RunContext) -> Shape | None:
    return None if context.last is None else context.last.output_shape


def _predicted_shape(context: RunContext) -> Shape | None:
    """Return the shape of a prediction, which a loss may give another one than the output's."""
    shape, loss = _output_shape(context), context.loss
    if shape is None or loss is None or loss.targets == "classes":
        return shape
    if not any(_takes(loss, info, shape) for info in context.data.values()):
        return shape
    return loss.predictions(np.zeros((1, *shape))).shape[1:]


def _diagnostic(message: str, hint: str) -> Diagnostic:
    return Diagnostic(message, hint, code="E044")
