"""Checks that each loss has its output and its target, and that the data's y matches both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from math import prod

import numpy as np

from declnet.contracts.arrays import Array, Shape
from declnet.contracts.data.dataset import DataInfo
from declnet.contracts.network.inputs import UNNAMED
from declnet.contracts.network.layer import OutputRange
from declnet.contracts.network.loss import Loss
from declnet.contracts.returned import verified
from declnet.data.columns import losses_hint
from declnet.display.words import counted
from declnet.errors import Diagnostic, KeyPath, error_message
from declnet.graph.shapes import Node
from declnet.registry.registry import Registry
from declnet.registry.spelling import suggestion
from declnet.spec.data_section import DataSpec
from declnet.spec.heads import PartialHead
from declnet.training.checks.context import CheckContext, CheckedHead
from declnet.training.checks.model import (
    flattening,
    layer_for,
    loss_for,
    path_of_output_size,
    unsuitable_output,
)


def losses_without_output(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield losses whose output is not one of the model's, or outputs without a loss."""
    spec, outputs, names = context.spec, context.outputs, context.inferred.names
    wrong_outputs = any(
        error.path[:2] == ("model", "outputs") for error in context.inferred.problems
    )
    if wrong_outputs or not names or len(outputs) < len(spec.outputs or ()):
        return  # a layer is missing, which is reported
    if not spec.heads[0].name:
        if len(outputs) != 1:
            message = f"the model has the outputs {', '.join(outputs)}, but [loss] takes one"
            hint: str | None = f"add a loss for each: [losses.{next(iter(outputs))}], …"
            yield Diagnostic(message, hint, spec.heads[0].path, "E047")
        return
    lost = [head for head in spec.heads if head.output not in outputs]
    for head in lost:
        hint = suggestion(head.output, outputs, "outputs")
        if head.output in names:
            hint = f'add it: outputs = ["{head.output}", …] in [model]'
        elif spec.outputs is None:
            hint = f'name the layer: output = "{next(iter(outputs))}"'
        message = f'"{head.output}" is not an output of the model'
        yield _at_loss(head, "output", message, hint, "E047")
    used = {head.output for head in spec.heads}
    for position, name in enumerate(spec.outputs or ()):
        if name not in used and not lost:
            hint = f"add a loss, [losses.{name}], or remove the output"
            at = ("model", "outputs", position)
            yield Diagnostic(f'no loss takes the output "{name}"', hint, at, "E047")


def layer_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield the errors in the layers, their inputs and their shapes.

    A layer whose output nothing takes is left out if a loss with an error is named for it.
    """
    losses = [head for head in context.spec.heads if context.has_error(head.path, "E047")]
    names = {head.output for head in losses}
    for problem in context.inferred.problems:
        is_layer = problem.path[:2] == ("model", "layers") and len(problem.path) == 3
        name = context.inferred.names[int(problem.path[2])] if is_layer else None
        if problem.code != "E023" or name not in names:
            yield problem


def unusable_data(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield the errors in the data, except for the targets of losses that have no output either."""
    for problem in context.described.problems:
        if problem.code != "E046" or not context.has_error(problem.path, "E047"):
            yield problem


def losses_without_target(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield losses whose target a data set does not have, unless they have no output either."""
    for name, info in context.infos.items():
        targets = info.targets
        for head in context.spec.heads:
            if head.target_among(targets) is not None:
                continue
            target = head.target or head.name
            hint: str | None = suggestion(target, [*filter(None, targets)], "targets")
            message = f'data.{name} has no target "{target}"'
            if not head.name:
                message = f"the data has the targets {', '.join(targets)}, but [loss] takes one"
                hint = f"add a loss for each: [losses.{next(iter(targets))}], …"
            elif set(targets) == {UNNAMED}:
                hint = "the data has one target without a name: remove this key"
            problem = _at_loss(head, "target", message, hint, "E046")
            if not context.has_error(problem.path, "E047"):
                yield problem
        if context.has_error(code="E046"):
            return


def targets_without_loss(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield a warning for each target that no loss takes."""
    heads, train, source = context.spec.heads, context.described.loaded, context.spec.data.train
    lost = [
        head
        for head in heads
        for info in context.infos.values()
        if head.target_among(info.targets) is None
    ]
    if lost or not heads[0].name or context.train is None:
        return
    targets = tuple(context.train.targets) if train is None else train.target_columns
    used = {head.target or head.name for head in heads}
    for position, name in enumerate(targets):
        if name and source is not None and name not in used:
            at = context.spec.data.origin_of("train")
            if "targets" in type(source).model_fields:
                at = ("data", "train", "targets", position)
            hint = f"add a loss, [losses.{name}], or remove the target"
            yield Diagnostic(f'no loss takes the target "{name}"', hint, at, "W007")


def _at_loss(head: PartialHead, key: str, message: str, hint: str | None, code: str) -> Diagnostic:
    """Return an error at a key of a loss, or else at the name that stands for it."""
    written = head.output != head.name if key == "output" else bool(head.target)
    if written:
        return Diagnostic(message, hint, (*head.path, key), code)
    return Diagnostic(message, hint, head.path, code, focus="key" if head.name else "value")


FEWEST_CLASSES = 100
"""Labels of more classes than this, and than there are samples, are taken for other numbers."""

FEWEST_OF_ONE_CLASS = 10
"""Samples of a data set that are seldom of one class by chance."""


def output_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield why each loss cannot use its output, and the first data set whose y does not match.

    A wrong number of units is reported at the layer that determines it, a wrong kind of y at the
    loss. A loss with its own `prepare` decides itself.
    """
    for head in context.heads:
        problem = unsuitable_output(head.part.loss, head.nodes, context.registry)
        if problem is not None:
            yield problem
        if problem is None or problem.code != "E043":
            yield from islice(_unlike_output(head, context.registry), 1)


def _unlike_output(checked: CheckedHead, registry: Registry) -> Iterator[Diagnostic]:
    """Yield an error for each data set whose y does not match a loss and its output."""
    head, nodes = checked.part, checked.nodes
    last, loss = nodes[-1] if nodes else None, head.loss
    if last is None or loss is None:
        return
    for name, info in checked.infos.items():
        if loss.targets == "classes":
            problem = _of_classes(head, loss, name, info, nodes, last.output_shape, registry)
        else:
            problem = _of_values(name, info, nodes, last.output_shape, registry)
        if type(loss).prepare is not Loss.prepare:
            if problem is not None:
                problem = _by_prepare(head, loss, name, info, last.output_shape, problem)
            else:
                problem = _refused_whatever_the_values(head, loss, name, info, last.output_shape)
        if problem is not None and problem.help is None and len(info.target_shape) < 2:
            problem = replace(problem, help=flattening(nodes, registry))
        if problem is not None:
            yield problem


def _by_prepare(
    head: PartialHead, loss: Loss, name: str, info: DataInfo, output: Shape, usual: Diagnostic
) -> Diagnostic | None:
    """Return what a loss's own `prepare` says about two samples of a y that is usually wrong."""
    y: Array = np.ones((2, *info.target_shape))
    if info.target == "classes":
        y = np.array(_labels_of(info))
    elif loss.targets == "classes" and y.ndim == 2:
        y[:, 1:] = 0  # one-hot
    message = _refusal(loss.prepare, y, output)
    if message == "":
        return None
    if message is None or message == _refusal(partial(Loss.prepare, loss), y, output):
        return usual
    return _refused(head, loss, name, message)


def _refused_whatever_the_values(
    head: PartialHead, loss: Loss, name: str, info: DataInfo, output: Shape
) -> Diagnostic | None:
    """Return what a loss's own `prepare` says about a y whose shape is usually right.

    Only what it says about several values must be about the shape.
    """
    if info.target == "classes":
        return None
    shape = (2, *info.target_shape)
    samples: list[Array] = [np.full(shape, value) for value in (0.0, 0.5, 1.0)]
    if len(info.target_shape) == 1:
        samples.append(np.repeat(np.eye(1, *info.target_shape), 2, axis=0))  # one-hot
    messages = {_refusal(loss.prepare, y, output) for y in samples}
    message = messages.pop() if len(messages) == 1 else None
    return _refused(head, loss, name, message) if message else None


def _refusal(prepare: Callable[..., object], y: Array, output: Shape) -> str | None:
    """Return why targets are refused; empty if they are not, None if made-up ones do not tell."""
    try:
        prepare(y, output, np.dtype(float))
    except ValueError as error:
        return error_message(error)
    except Exception:  # these samples are made up
        return None
    return ""


def _refused(head: PartialHead, loss: Loss, name: str, message: str) -> Diagnostic:
    return Diagnostic(f"{loss.type}: {message} (data.{name})", None, head.path, "E041")


def _of_classes(
    head: PartialHead,
    loss: Loss,
    name: str,
    info: DataInfo,
    nodes: Sequence[Node | None],
    output: Shape,
    registry: Registry,
) -> Diagnostic | None:
    data_set = f"data.{name}"
    if len(output) != 1:
        message = f"{loss.type} needs a last layer of shape (classes,), not {output}"
        return Diagnostic(message, None, ("model", "layers", len(nodes) - 1), "E041")
    if info.target == "values" and (len(info.target_shape) != 1 or info.target_shape == (1,)):
        message = f"{loss.type} needs labels, integers or one-hot, but y holds numbers ({data_set})"
        hint = "choose a loss for numbers, or store the labels as integers"
        return Diagnostic(message, hint, head.path, "E041")
    one_hot = info.target_shape[0] if info.target == "values" else None
    classes = info.classes if one_hot is None else one_hot
    (units,) = output
    predicted = verified(Loss.class_count, loss, units)
    if classes is None or (classes < predicted and one_hot is None) or classes == predicted:
        return None
    problem = _no_classes(head, name, info, registry) if one_hot is None else None
    if problem is not None:  # labels below 0 are reported with those that fit the units
        return problem if _labels_of(info)[0] >= 0 else None
    hint = _units_for(loss, units, classes)
    labels = f"one-hot labels of {classes} classes"
    if one_hot is None:
        labels = f"the labels, which have {classes} classes"
        if info.labels is not None and info.labels[0] > 0:
            labels = f"the labels, which go from {info.labels[0]} to {info.labels[1]}"
            hint = "number the classes 0, 1, 2, …"
    does = "units do" if units != 1 else "unit does"
    return Diagnostic(
        f"{units} {does} not fit {labels} ({data_set})", hint, path_of_output_size(nodes), "E040"
    )


def _no_classes(
    head: PartialHead, name: str, info: DataInfo, registry: Registry
) -> Diagnostic | None:
    """Return an error if the labels of a data set can hardly number classes, else None."""
    smallest, largest = _labels_of(info)
    if info.samples is None or largest - min(smallest, 0) < max(info.samples, FEWEST_CLASSES):
        return None
    far = f"up to {largest}" if smallest >= 0 else f"from {smallest} to {largest}"
    rows = counted(info.samples, "sample")
    message = f'"{head.target or "y"}" has labels {far}, but only {rows} (data.{name})'
    hint = losses_hint("values", registry)
    hint = f"{hint}; an identifier cannot be predicted" if hint is not None else None
    return Diagnostic(message, hint, head.path, "E042")


def _of_values(
    name: str, info: DataInfo, nodes: Sequence[Node | None], output: Shape, registry: Registry
) -> Diagnostic | None:
    if info.target_shape == output or (info.target_shape == () and prod(output) == 1):
        return None
    y = f"shape {info.target_shape}" if info.target_shape else "one number per sample"
    message = f"the model's output has shape {output}, but y has {y} (data.{name})"
    hint = None
    if len(output) == 1 and len(info.target_shape) < 2:
        units = prod(info.target_shape)
        hint = f"use {units} unit{'s' if units != 1 else ''}, one for each number"
        classes = losses_hint("classes", registry) if info.target == "classes" else None
        hint += f"; {classes}" if classes is not None and prod(output) > 1 else ""
    return Diagnostic(message, hint, path_of_output_size(nodes), "E041")


def label_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield errors for labels outside a loss's range, and a warning for units without a label."""
    for head in context.heads:
        if head.part.loss is not None and head.part.loss.targets == "binary":
            yield from _not_binary(head, head.part.loss, context.registry)
        elif head.part.loss is not None and head.part.loss.targets == "classes":
            negative = [*_negative(head, context)]
            yield from negative or _units_without_class(head, head.part.loss)


def _negative(checked: CheckedHead, context: CheckContext) -> Iterator[Diagnostic]:
    """Yield an error for each data set with labels below 0."""
    head, data = checked.part, context.spec.data
    for name, info in checked.infos.items():
        smallest, _ = _labels_of(info)
        if smallest < 0:
            message = f"the labels of data.{name} begin at {smallest}, but must begin at 0"
            at = data.origin_of(name) if name in data.sources else head.path
            begin = Diagnostic(message, "number the classes 0, 1, 2, …", at, "E042")
            yield _no_classes(head, name, info, context.registry) or begin


def _not_binary(checked: CheckedHead, loss: Loss, registry: Registry) -> Iterator[Diagnostic]:
    """Yield an error for each data set with labels other than 0 and 1."""
    for name, info in checked.infos.items():
        smallest, largest = _labels_of(info)
        if smallest >= 0 and largest <= 1:
            continue
        message = (
            f"{loss.type} takes the labels 0 and 1, but the labels of data.{name} go from "
            f"{smallest} to {largest}"
        )
        hint = "number the two classes 0 and 1"
        if largest - smallest > 1 and smallest >= 0:
            other = loss_for(OutputRange(0, 1, sums_to_one=True), registry)
            layer = layer_for(other, registry) if other is not None else None
            if other is not None and layer is not None:
                hint = f'for more classes, use "{layer}" and the loss {other.type}'
        problem = Diagnostic(message, hint, checked.part.path, "E042")
        yield _no_classes(checked.part, name, info, registry) or problem


def _units_for(loss: Loss, units: int, classes: int) -> str:
    """Return a hint on the number of units, of which a loss may need others than classes."""
    needed = units + classes - verified(Loss.class_count, loss, units)
    if needed == classes:
        return f"use {classes} units, one for each class"
    return f"use {needed} unit{'s' if needed != 1 else ''}, for {classes} classes"


def _units_without_class(checked: CheckedHead, loss: Loss) -> Iterator[Diagnostic]:
    """Yield a warning if there are more units than classes in all data sets."""
    nodes, infos = checked.nodes, checked.infos.values()
    last = nodes[-1] if nodes else None
    counts = [info.classes for info in infos if info.target == "classes"]
    known = [count for count in counts if count is not None]
    if last is None or len(last.output_shape) != 1 or not known or None in counts:
        return
    (units,), classes = last.output_shape, max(known)
    predicted = verified(Loss.class_count, loss, units)
    if predicted > classes:
        meant = f", for {predicted} classes" if predicted != units else ""
        message = f"the model has {units} units{meant}, but the labels have {classes} classes"
        hint = _units_for(loss, units, classes)
        if classes == 1:
            message = f"the model has {units} units, but all labels are 0"
            hint = "classification needs at least two classes"
        yield Diagnostic(message, hint, path_of_output_size(nodes), "W001")


def _labels_of(info: DataInfo) -> tuple[int, int]:
    """Return the smallest and the largest label; 0 and 0 if unknown."""
    if info.target != "classes":
        return (0, 0)
    return info.labels or (0, (info.classes or 1) - 1)


def one_class_warnings(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield a warning for each validation or test set whose samples are all of one class."""
    if context.sets is None:
        return
    encodings = context.sets.preparation.targets
    for name, dataset in context.sets.datasets.items():
        for target, y in dataset.targets.items():
            names = encodings[target].class_names if target in encodings else None
            if name == "train" or names is None or y.ndim != 1 or len(y) < FEWEST_OF_ONE_CLASS:
                continue
            if y.min() == y.max():
                column = encodings[target].column if len(encodings) > 1 else None
                which = f' of "{column}"' if column is not None else ""
                message = (
                    f'all {len(y)} {name} rows are of the class "{names[int(y[0])]}"{which}, so '
                    "metrics that compare classes are undefined, and others say little"
                )
                hint, path = _more_classes(context.spec.data, name, column)
                yield Diagnostic(message, hint, path, "W014")


def _more_classes(data: DataSpec, name: str, column: str | None) -> tuple[str, KeyPath]:
    """Return how to get rows of several classes, and the key that decides which rows there are.

    Args:
        data: the section.
        name: the data set.
        column: the target, if there are several.
    """
    split = data.split
    if name in data.sources or split.method not in ("random", "stratified"):
        hint = "use rows of all classes"
    elif split.method == "stratified" and split.column in (None, column):
        hint = "hold out more rows; too few are of the other classes"
    else:
        by = f', column = "{column}"' if column is not None else ""
        hint = f'hold out more rows, with split = {{ method = "stratified"{by} }}'
    if data.folds is not None and name == "validation" and name not in data.sources:
        return hint, ("data", "folds")
    return hint, data.origin_of(name)
