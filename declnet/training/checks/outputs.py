"""Whether the numbers that a model gives are those that its loss takes.

A layer whose `output_range` is not known is trusted, and so is a loss that does not say what it
takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, prod

from declnet.components.loss import Loss
from declnet.components.output_range import OutputRange
from declnet.errors import Diagnostic, KeyPath
from declnet.graph.nodes import Node
from declnet.registry.registry import Registry
from declnet.training.checks.suggestions import layer_for, loss_for

TAKES = {
    "distribution": "probabilities that add up to 1",
    "probabilities": "a separate probability for each unit",
    "logits": "logits, which are any numbers",
    "values": "any values",
}
"""What losses take, in words."""


def output_problems(
    loss: Loss | None, nodes: Sequence[Node | None], registry: Registry
) -> list[Diagnostic]:
    """What keeps the loss from using the model's output, one problem at most.

    Args:
        loss: of the run; None if it is not known.
        nodes: the layers; None for one that is not known.
        registry: where hints find what they suggest.
    """
    last = nodes[-1] if nodes else None
    if loss is None or last is None:
        return []
    one_per_class = loss.takes == "distribution" or (
        loss.takes == "logits" and loss.targets == "classes"
    )
    if one_per_class and prod(last.output_shape) == 1:
        message = f"{loss.type} needs a unit for each class, but the model has a single unit"
        path = path_of_output_size(nodes)
        return [Diagnostic(message, _for_two_classes(registry), path, "E043")]
    node = _giver(nodes)
    given = node.layer.output_range if node is not None else None
    if node is None or not isinstance(given, OutputRange):
        return []
    is_constant = given.sums_to_one and node.output_shape[-1:] == (1,)
    found = _fault(loss, given, is_constant)
    if found is None:
        return []
    code, fault = found
    if loss.takes == "distribution" and code == "W002" and len(last.output_shape) != 1:
        return []  # a loss of classes refuses that shape
    hint = _change(loss, node, registry)
    other = loss_for(given, registry) if not is_constant else None
    if other is not None:
        hint = _with_alternative(hint, loss, other)
    return [Diagnostic(f'"{node.name}" {fault}', hint, _path(node), code)]


def path_of_output_size(nodes: Sequence[Node | None]) -> KeyPath:
    """Return the place that decides how many numbers the model gives.

    It is the last layer whose size does not follow from its input's, and that field of it which
    counts them, e.g. `units`, if it has one.
    """
    node = nodes[-1]
    while node is not None:
        field = _size_field(node)
        if field is not None:
            return (*_path(node), field)
        before, after = node.input_shapes[0], node.output_shape
        follows = before == after or (len(after) == 1 and before[:1] == after)
        if len(node.inputs) > 1 or node.inputs[0] == 0 or not follows:
            return _path(node)
        node = nodes[node.inputs[0] - 1]
    return ("model", "layers")


def _path(node: Node) -> KeyPath:
    return ("model", "layers", node.index)


def _size_field(node: Node) -> str | None:
    """The field that counts the numbers that a layer gives: one more of it gives one more."""
    given = node.input_shapes if node.takes_many_inputs else node.input_shapes[0]
    for name in type(node.layer).model_fields:
        size = getattr(node.layer, name)
        if type(size) is not int or size not in node.output_shape:
            continue
        try:
            shape = node.layer.model_copy(update={name: size + 1}).output_shape(given)
            pairs = list(zip(node.output_shape, shape, strict=True))
        except Exception:  # noqa: S112  # it may refuse a number that nobody wrote
            continue
        if [pair for pair in pairs if len(set(pair)) > 1] == [(size, size + 1)]:
            return name
    return None


def _giver(nodes: Sequence[Node | None]) -> Node | None:
    """The layer that decides which numbers the output has; None if that is the model's input."""
    node = nodes[-1]
    while node is not None and node.layer.output_range == "input":
        node = nodes[node.inputs[0] - 1] if node.inputs[0] else None
    return node


def _fault(loss: Loss, given: OutputRange, is_constant: bool) -> tuple[str, str] | None:
    """The code of what is wrong with such outputs, and the words to follow the layer's name."""
    if loss.takes is None or loss.takes == "scores":
        return _one_sided(loss, given) if loss.takes and loss.targets == "binary" else None
    if is_constant:
        return "E043", "has a single unit, so its output is always 1"
    suits = {
        "distribution": given.sums_to_one,
        "probabilities": given.is_probability and not given.sums_to_one,
        "logits": not given.is_bounded,
        "values": not given.sums_to_one,
    }
    if suits[loss.takes]:
        return None
    code = "E043" if loss.takes == "distribution" and given.is_probability else "W002"
    return code, f"gives {_in_words(given)}, but {loss.type} takes {TAKES[loss.takes]}"


def _one_sided(loss: Loss, given: OutputRange) -> tuple[str, str] | None:
    """The same of scores that are all on one side of the threshold."""
    threshold = f"{loss.threshold:g}"
    if given.low >= loss.threshold:
        return "W002", f"never falls below {threshold}, so {loss.type} cannot predict the label 0"
    if given.high <= loss.threshold:
        return "W002", f"never rises above {threshold}, so {loss.type} cannot predict the label 1"
    return None


def _in_words(given: OutputRange) -> str:
    if given.sums_to_one:
        return "numbers that add up to 1"
    if given.is_probability:
        return TAKES["probabilities"]
    if not given.is_bounded:
        return "any numbers"
    if given.high == inf:
        return f"numbers of at least {given.low:g}"
    if given.low == -inf:
        return f"numbers of at most {given.high:g}"
    return f"numbers from {given.low:g} to {given.high:g}"


def _change(loss: Loss, node: Node, registry: Registry) -> str | None:
    """What to do about the layer that gives the wrong numbers."""
    if loss.takes not in ("distribution", "probabilities"):
        return None if node.parameters else "remove it"
    suggested = layer_for(type(loss), registry)
    layer = f'"{suggested}"' if suggested else f"a layer that gives {TAKES[loss.takes]}"
    if any(each.role != "scale" for each in node.parameters.values()):
        return f"add {layer} as the last layer"
    return f"use {layer} in its place"


def _with_alternative(change: str | None, loss: Loss, other: type[Loss]) -> str:
    """A hint with another loss as the second choice, or as the only one."""
    whether = " if y holds labels" if loss.targets == "values" else ""
    if change is None:
        return f"use the loss {other.type}{whether}"
    verb = "" if change.startswith("use ") else "use "
    return f"{change}, or {verb}the loss {other.type}{whether}"


def _for_two_classes(registry: Registry) -> str | None:
    loss = loss_for(OutputRange(0, 1), registry)
    layer = layer_for(loss, registry) if loss is not None else None
    if loss is None or layer is None:
        return None
    return f'for two classes, one unit with "{layer}" and the loss {loss.type} will do'
