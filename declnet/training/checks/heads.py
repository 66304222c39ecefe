"""Checks that each loss has its output and its target, and that each of these has a loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from declnet.contracts.data.data_source import DataInfo
from declnet.contracts.network.inputs import UNNAMED
from declnet.data.splits import Data
from declnet.errors import Diagnostic
from declnet.graph.shapes import Inferred, Node
from declnet.registry.spelling import suggestion
from declnet.spec.heads import PartialHead
from declnet.spec.partial import PartialSpec
from declnet.training.checks.data import origin_of


@dataclass(frozen=True)
class CheckedHead:
    """A loss with what it compares, as far as that is known.

    Attributes:
        part: the loss as written.
        nodes: the layers up to its output; empty if that is unknown.
        infos: what is known about each data set, with its target only.
    """

    part: PartialHead
    nodes: Sequence[Node | None]
    infos: Mapping[str, DataInfo]


def checked_heads(
    spec: PartialSpec, inferred: Inferred, infos: Mapping[str, DataInfo]
) -> list[CheckedHead]:
    """Return the losses with their outputs and targets."""
    found = []
    for head in spec.heads:
        index = output_of(head, spec, inferred)
        nodes = inferred.nodes[: index + 1] if index is not None else ()
        own = {name: head.target_among(info.targets) for name, info in infos.items()}
        known = {
            name: infos[name].for_target(target)
            for name, target in own.items()
            if target is not None
        }
        found.append(CheckedHead(head, nodes, known))
    return found


def output_of(head: PartialHead, spec: PartialSpec, inferred: Inferred) -> int | None:
    """Return the index of the layer whose output a loss takes; None if it is unknown."""
    outputs = _outputs(spec, inferred)
    if not head.name:
        return next(iter(outputs.values())) if len(outputs) == 1 else None
    return outputs.get(head.output)


def _outputs(spec: PartialSpec, inferred: Inferred) -> dict[str, int]:
    """Return the indices of the known outputs by name."""
    named = {name: index for index, name in enumerate(inferred.names)}
    if spec.outputs is None:
        return dict(list(named.items())[-1:])
    return {name: named[name] for name in spec.outputs if name in named}


def output_problems_of(spec: PartialSpec, inferred: Inferred) -> list[Diagnostic]:
    """Return losses whose output is not one of the model's, and outputs without a loss."""
    outputs = _outputs(spec, inferred)
    if not inferred.names or len(outputs) < len(spec.outputs or ()):
        return []  # a layer is missing, which is reported
    if not spec.heads[0].name:
        if len(outputs) == 1:
            return []
        message = f"the model has the outputs {', '.join(outputs)}, but [loss] takes one"
        hint = f"add a loss for each: [losses.{next(iter(outputs))}], …"
        return [Diagnostic(message, hint, spec.heads[0].path, "E047")]
    problems = []
    for head in spec.heads:
        if head.output in outputs:
            continue
        hint = suggestion(head.output, outputs, "outputs")
        if head.output in inferred.names:
            hint = f'add it: outputs = ["{head.output}", …] in [model]'
        elif spec.outputs is None:
            hint = f'name the layer: output = "{next(iter(outputs))}"'
        message = f'"{head.output}" is not an output of the model'
        problems.append(_at_loss(head, "output", message, hint, "E047"))
    taken = {head.output for head in spec.heads}
    return problems or [
        Diagnostic(
            f'no loss takes the output "{name}"',
            f"add a loss, [losses.{name}], or remove the output",
            ("model", "outputs", position),
            "E047",
        )
        for position, name in enumerate(spec.outputs or ())
        if name not in taken
    ]


def _at_loss(head: PartialHead, key: str, message: str, hint: str | None, code: str) -> Diagnostic:
    """Return an error at a key of a loss, or else at the name that stands for it."""
    written = head.output != head.name if key == "output" else bool(head.target)
    if written:
        return Diagnostic(message, hint, (*head.path, key), code)
    return Diagnostic(message, hint, head.path, code, focus="key" if head.name else "value")


def target_problems_of(
    spec: PartialSpec, infos: Mapping[str, DataInfo], train: Data | None
) -> list[Diagnostic]:
    """Return losses whose target the data does not have, and a warning for each unused target.

    Args:
        infos: what is known about each data set.
        train: the training data, if it was loaded.
    """
    problems = []
    for name, info in infos.items():
        for head in spec.heads:
            targets = info.targets
            if head.target_among(targets) is not None:
                continue
            wanted = head.target or head.name
            hint: str | None = suggestion(
                wanted, [target for target in targets if target], "targets"
            )
            message = f'data.{name} has no target "{wanted}"'
            if not head.name:
                message = f"the data has the targets {', '.join(targets)}, but [loss] takes one"
                hint = f"add a loss for each: [losses.{next(iter(targets))}], …"
            elif set(targets) == {UNNAMED}:
                hint = "the data has one target without a name: remove this key"
            problems.append(_at_loss(head, "target", message, hint, "E046"))
        if problems:
            return problems
    return _without_loss(spec, infos, train)


def _without_loss(
    spec: PartialSpec, infos: Mapping[str, DataInfo], train: Data | None
) -> list[Diagnostic]:
    if not spec.heads[0].name or "train" not in infos:
        return []
    targets = tuple(infos["train"].targets) if train is None else train.target_columns
    source = spec.data.sources.get("train")
    taken = {head.target or head.name for head in spec.heads}
    return [
        Diagnostic(
            f'no loss takes the target "{name}"',
            f"add a loss, [losses.{name}], or remove the target",
            ("data", "train", "targets", position)
            if "targets" in type(source).model_fields
            else origin_of(source, "train"),
            "W007",
        )
        for position, name in enumerate(targets)
        if name and source is not None and name not in taken
    ]
