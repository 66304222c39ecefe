"""Whether the labels of the data are those that a loss counts with."""

from collections.abc import Iterator

from declnet import DataInfo, Diagnostic, Loss, RunContext
from declnet_losses.output_units import units_of_output


def labels_below_zero(context: RunContext) -> Iterator[Diagnostic]:
    """Data sets with labels that do not count from 0."""
    for name, info in context.data.items():
        smallest, _ = _labels_of(info)
        if smallest < 0:
            message = f"the labels of data.{name} begin at {smallest}, but must begin at 0"
            yield Diagnostic(message, "number the classes 0, 1, 2, …", code="E042", data=name)


def labels_besides_zero_and_one(loss: Loss, context: RunContext) -> Iterator[Diagnostic]:
    """Data sets with labels that are no answers of yes or no."""
    for name, info in context.data.items():
        smallest, largest = _labels_of(info)
        if smallest < 0 or largest > 1:
            message = (
                f"{loss.type} takes the labels 0 and 1, but those of data.{name} go from "
                f"{smallest} to {largest}"
            )
            hint = "number the two classes 0 and 1"
            if largest - smallest > 1 and smallest >= 0:
                hint = 'for more classes use "softmax" and the loss categorical_crossentropy'
            yield Diagnostic(message, hint, code="E042")


def units_without_class(context: RunContext) -> Iterator[Diagnostic]:
    """More units than the labels of all data sets have classes."""
    counts = [info.classes for info in context.data.values() if info.target == "classes"]
    known = [count for count in counts if count is not None]
    if context.last is None or len(context.last.output_shape) != 1 or not known or None in counts:
        return
    if any(_labels_of(info)[0] < 0 for info in context.data.values()):
        return  # such classes have no unit, and are told already
    (units,), classes = context.last.output_shape, max(known)
    if units > classes:
        message = f"the model has {units} units, but the labels have {classes} classes"
        guilty, key = units_of_output(context)
        yield Diagnostic(message, f"use {classes} units, one for each class", key, "W001", guilty)


def _labels_of(info: DataInfo) -> tuple[int, int]:
    """The smallest and the largest label; 0 and 0 where they are not known."""
    if info.target != "classes":
        return (0, 0)
    return info.labels or (0, (info.classes or 1) - 1)
