"""Checks that each loss has its output and its target, and that each of these has a loss."""

from __future__ import annotations

from collections.abc import Iterator

from declnet.contracts.network.inputs import UNNAMED
from declnet.errors import Diagnostic
from declnet.registry.spelling import suggestion
from declnet.spec.heads import PartialHead
from declnet.training.checks.context import CheckContext


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
