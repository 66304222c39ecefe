"""Checks on the model: inputs of the loss, redundant layers, requirements of the graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import inf, prod
from typing import Any

from declnet.contracts.arrays import Shape
from declnet.contracts.memory import beyond_memory
from declnet.contracts.network.layer import OutputRange
from declnet.contracts.network.loss import Loss
from declnet.contracts.returned import verified, why_unavailable
from declnet.errors import Diagnostic, KeyPath, UnknownTypeError
from declnet.graph.kernels import Kernels
from declnet.graph.parameters import (
    fans,
    group_of,
    initializer_problems,
    matches,
    pattern_hint,
    slots_of,
)
from declnet.graph.shapes import Node
from declnet.registry.entry import Entry
from declnet.registry.plugin import FIRST_PARTY, normalized
from declnet.registry.registry import Registry
from declnet.training.checks.context import CheckContext


def loss_for(outputs: OutputRange, registry: Registry) -> type[Loss] | None:
    """Return a loss for class labels that takes such outputs; None if none is known.

    A loss that a kernel fuses with a layer is preferred.
    """
    takes = loss_taking(outputs)
    targets = {"distribution": "classes", "probabilities": "binary"}.get(takes)
    losses = registry.entries("loss") if targets is not None else ()
    suitable = (
        loss
        for loss in losses
        if (loss.component.takes, loss.component.targets) == (takes, targets)
    )
    return _best(suitable, frozenset(classes[-1] for classes in _replaced(registry)))


def layer_for(loss: type[Loss], registry: Registry) -> str | None:
    """Return the type of a last layer that gives what a loss takes; None if none is known.

    A layer that a kernel fuses with the loss is preferred.
    """
    joined = frozenset(classes[-2] for classes in _replaced(registry) if classes[-1] is loss)
    layers = (
        entry
        for entry in registry.entries("layer")
        if isinstance(entry.component.output_range, OutputRange)
        and loss_taking(entry.component.output_range) == loss.takes
    )
    layer = _best(layers, joined)
    return layer.type if layer is not None else None


def _replaced(registry: Registry) -> list[tuple[Any, ...]]:
    """Return the classes that each kernel for several components replaces."""
    replaced = (entry.component.replaces for entry in registry.entries("kernel"))
    return [classes for classes in replaced if len(classes) > 1]


def loss_taking(outputs: OutputRange) -> str:
    """Return the `Loss.takes` of a loss for such outputs."""
    if outputs.sums_to_one:
        return "distribution"
    return "probabilities" if outputs.is_probability else "values"


def _best(entries: Iterable[Entry], joined: frozenset[Any] = frozenset()) -> type[Any] | None:
    """Return the class to suggest, preferring fused, usable by name alone, declnet's own, short."""

    def rank(entry: Entry) -> tuple[bool, bool, bool, int, str]:
        fields = entry.component.model_fields.values()
        return (
            entry.component not in joined,
            any(field.is_required() for field in fields),
            normalized(entry.plugin.distribution) != FIRST_PARTY,
            len(entry.type),
            entry.type,
        )

    best = min(entries, key=rank, default=None)
    return best.component if best is not None else None


TAKES = {
    "distribution": "probabilities that add up to 1",
    "probabilities": "a separate probability for each unit",
    "logits": "logits, which are any numbers",
    "values": "any values",
}
"""What messages say that losses take."""


def frozen_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield warnings about layers that are never trained, and about epochs that train none."""
    epochs = context.epochs
    learned = [
        node
        for node in context.nodes
        if node.shared is None
        and any(parameter.trainable for parameter in node.parameters.values())
    ]
    for node in learned:
        start = node.trained_from
        if start and epochs is not None and start >= epochs:
            message = (
                f'"{node.name}" is frozen before epoch {start}, but the last epoch is {epochs - 1}'
            )
            path = (*_path(node), "trainable", "from_epoch")
            hint = "use an earlier epoch, or trainable = false"
            yield Diagnostic(message, hint, path, "W006")
    starts = [node.trained_from for node in learned if node.trained_from is not None]
    if learned and min(starts, default=1) > 0:
        when = f" before epoch {min(starts)}" if starts else ""
        hint = "train at least one of them from the start"
        message = f"all layers with parameters are frozen{when}, so nothing is trained"
        path = (*_path(learned[-1]), "trainable")
        yield Diagnostic(message, hint, path, "W006")


def unsuitable_output(
    loss: Loss | None, nodes: Sequence[Node | None], registry: Registry
) -> Diagnostic | None:
    """Return why a loss cannot use the output of layers, of which unknown ones are None."""
    last = nodes[-1] if nodes else None
    if loss is None or last is None:
        return None
    one_per_class = loss.takes == "distribution" or (
        loss.takes == "logits" and loss.targets == "classes"
    )
    if one_per_class and prod(last.output_shape) == 1 and verified(Loss.class_count, loss, 1) == 1:
        message = f"{loss.type} needs a unit for each class, but the model has a single unit"
        path = path_of_output_size(nodes)
        return Diagnostic(message, _for_two_classes(registry), path, "E043")
    node = _bounding_layer(nodes)
    outputs = node.layer.output_range if node is not None else None
    if node is None or not isinstance(outputs, OutputRange):
        return None
    is_constant = outputs.sums_to_one and node.output_shape[-1:] == (1,)
    code, fault = _fault(loss, outputs, is_constant) or ("", "")
    if not code or (
        code == "W002" and loss.takes == "distribution" and len(last.output_shape) != 1
    ):
        return None  # a loss for classes rejects other shapes
    hint = _change(loss, node, registry)
    other = loss_for(outputs, registry) if not is_constant else None
    if other is not None:
        hint = _with_alternative(hint, loss, other)
    return Diagnostic(f'"{node.name}" {fault}', hint, _path(node), code)


def path_of_output_size(nodes: Sequence[Node | None]) -> KeyPath:
    """Return the key path that determines the size of the model's output.

    This is the last layer whose size does not follow from its input's, and its field for the size,
    e.g. `units`, if it has one.
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


def flattening(nodes: Sequence[Node | None], registry: Registry) -> str | None:
    """Return the hint to flatten samples of several axes before the last layer with parameters.

    None if there is no such layer, if its samples have one axis, or if nothing can flatten them.
    """
    with_parameters = (node for node in reversed(nodes) if node is not None and node.parameters)
    node = next(with_parameters, None)
    layer = _best(entry for entry in registry.entries("layer") if entry.component.only_reshapes)
    if node is None or layer is None or len(node.input_shapes[0]) < 2 or len(node.output_shape) < 2:
        return None
    return (
        f'put "{layer.type}" before "{node.name}", whose samples have shape {node.input_shapes[0]}'
    )


def _path(node: Node) -> KeyPath:
    return ("model", "layers", node.index)


def _size_field(node: Node) -> str | None:
    """Return the field for a layer's output size: adding one to it adds one output."""
    for name in type(node.layer).model_fields:
        size = getattr(node.layer, name)
        if type(size) is not int or size not in node.output_shape:
            continue
        try:
            shape = node.layer.model_copy(update={name: size + 1}).output_shape(node.input_shape)
            pairs = list(zip(node.output_shape, shape, strict=True))
        except Exception:  # noqa: S112  # it may reject a value not from the spec
            continue
        if [pair for pair in pairs if pair[0] != pair[1]] == [(size, size + 1)]:
            return name
    return None


def _bounding_layer(nodes: Sequence[Node | None]) -> Node | None:
    """Return the layer that determines the output's range; None if that is the model's input."""
    node = nodes[-1]
    while node is not None and node.layer.output_range == "input":
        node = nodes[node.inputs[0] - 1] if node.inputs[0] else None
    return node


def _fault(loss: Loss, outputs: OutputRange, is_constant: bool) -> tuple[str, str] | None:
    """Return the code of the error in such outputs, and the text after the layer's name."""
    if loss.takes is None or loss.takes == "scores":
        return _one_sided(loss, outputs) if loss.takes and loss.targets == "binary" else None
    if is_constant:
        return "E043", "has a single unit, so its output is always 1"
    suits = {
        "distribution": outputs.sums_to_one,
        "probabilities": outputs.is_probability and not outputs.sums_to_one,
        "logits": not outputs.is_bounded,
        "values": not outputs.sums_to_one,
    }
    if suits[loss.takes]:
        return None
    code = "E043" if loss.takes == "distribution" and outputs.is_probability else "W002"
    return code, f"gives {_range_text(outputs)}, but {loss.type} takes {TAKES[loss.takes]}"


def _one_sided(loss: Loss, outputs: OutputRange) -> tuple[str, str] | None:
    """Return the same for scores that are all on one side of the threshold."""
    threshold = f"{loss.threshold:g}"
    if outputs.low >= loss.threshold:
        return "W002", f"never falls below {threshold}, so {loss.type} cannot predict the label 0"
    if outputs.high <= loss.threshold:
        return "W002", f"never rises above {threshold}, so {loss.type} cannot predict the label 1"
    return None


def _range_text(outputs: OutputRange) -> str:
    if outputs.sums_to_one:
        return "numbers that add up to 1"
    if outputs.is_probability:
        return TAKES["probabilities"]
    if not outputs.is_bounded:
        return "any numbers"
    if outputs.high == inf:
        return f"numbers of at least {outputs.low:g}"
    if outputs.low == -inf:
        return f"numbers of at most {outputs.high:g}"
    return f"numbers from {outputs.low:g} to {outputs.high:g}"


def _change(loss: Loss, node: Node, registry: Registry) -> str | None:
    """Return a hint for the layer with the wrong output range."""
    if loss.takes not in ("distribution", "probabilities"):
        return None if node.parameters else "remove it"
    suggested = layer_for(type(loss), registry)
    layer = f'"{suggested}"' if suggested else f"a layer that gives {TAKES[loss.takes]}"
    if any(parameter.role != "scale" for parameter in node.parameters.values()):
        return f"add {layer} as the last layer"
    return f"use {layer} instead"


def _with_alternative(change: str | None, loss: Loss, other: type[Loss]) -> str:
    """Return a hint with another loss as the alternative, or as the only suggestion."""
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
    return f'for two classes, one unit with "{layer}" and the loss {loss.type} suffice'


def linear_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield pairs of linear layers that could be one layer, each reported at the second."""
    nodes = [node for node in context.inferred.nodes if node is not None]
    if len(nodes) < len(context.inferred.nodes):
        return  # an unknown layer may read a value between them
    readers = Counter(value for node in nodes for value in node.inputs)
    for node in nodes:
        first = _linear_before(node, nodes, readers)
        if first is not None:
            message = (
                f'"{first.name}" and "{node.name}" have no activation between them, so together '
                "they compute one linear map"
            )
            hint = f"put {_activation(context.registry)} between them, or remove one of them"
            yield Diagnostic(message, hint, _path(node), "W003")


def _linear_before(node: Node, nodes: Sequence[Node], readers: Counter[int]) -> Node | None:
    """Return the layer with weights whose output reaches another one through linear layers alone.

    None if there is none, if another layer reads a value between them, as in a residual block, or
    if that value is narrower than the first layer's input and the second one's output: such a
    bottleneck is useful, since it limits the rank of the map.
    """
    if not _mixes(node):
        return None
    value, narrowest = node.inputs[0], prod(node.input_shapes[0])
    while value and readers[value] == 1:
        before = nodes[value - 1]
        narrowest = min(narrowest, prod(before.output_shape))
        if _mixes(before):
            ends = prod(before.input_shapes[0]), prod(node.output_shape)
            return before if narrowest >= min(ends) else None
        if not before.layer.is_linear or before.parameters or len(before.inputs) != 1:
            return None
        value = before.inputs[0]
    return None


def _mixes(node: Node) -> bool:
    """Return whether a layer is a linear map with trained weights over all channels or features.

    In a grouped convolution, each filter sees only some of the channels. Followed by a convolution
    that mixes them, it forms a separable convolution, which has no activation inside.
    """
    if not node.layer.is_linear or len(node.inputs) != 1:
        return False
    weights = [  # biases without a declared role have one axis
        parameter
        for parameter in node.parameters.values()
        if parameter.role == "weight" and parameter.trainable and len(parameter.shape) > 1
    ]
    channels, outputs = map(_features, (node.input_shapes[0], node.output_shape))
    return bool(weights) and all(
        fan_in * prod(outputs) >= fan_out * prod(channels) for fan_in, fan_out in map(fans, weights)
    )


def _features(shape: Shape) -> Shape:
    """Return the size of the axis of features: the last of sequences, the first of images."""
    return shape[-1:] if len(shape) == 2 else shape[:1]


def _activation(registry: Registry) -> str:
    """Return the words for an activation, with one that can be used, if any is installed."""
    activation = _best(
        entry
        for entry in registry.entries("layer")
        if entry.component.output_range == OutputRange(low=0) and not entry.component.is_linear
    )
    if activation is None:
        return "an activation"
    return f'an activation such as "{activation.type}"'


def unusable_initializers(context: CheckContext) -> Iterable[Diagnostic]:
    """Return the errors in initializers that layers name themselves, and shapes they reject."""
    return initializer_problems(context.nodes, context.registry)


def group_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield patterns that match no trainable parameter, or groups left with none."""
    optimizer = context.spec.optimizer if context.nodes else None
    groups = optimizer.groups if optimizer is not None else ()
    trainable = [slot.key for slot in slots_of(context.nodes) if slot.parameter.trainable]
    used = {group_of(key, groups) for key in trainable}
    at: KeyPath
    for position, group in enumerate(groups):
        for place, pattern in enumerate(group.parameters):
            if not any(matches(pattern, key) for key in trainable):
                message = f'no trainable parameter matches "{pattern}"'
                hint = pattern_hint(pattern, trainable)
                at = ("optimizer", "groups", position, "parameters", place)
                yield Diagnostic(message, hint, at, "E028")
    for position in range(len(groups)):
        if position not in used and not context.has_error(("optimizer", "groups"), "E028"):
            message = "every parameter of this group is in a later one"
            hint = "the last group that matches a parameter takes it; put general patterns first"
            at = ("optimizer", "groups", position, "parameters")
            yield Diagnostic(message, hint, at, "E028")


def unusable_weights(context: CheckContext) -> Iterable[Diagnostic]:
    """Return the errors in the file of the initial weights, and in what is loaded from it."""
    _, problems = context.initial_weights
    return problems


def memory_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield an error if the run needs more memory than the machine has."""
    excess = beyond_memory(sum(context.memory.values())) if context.memory is not None else None
    if excess is not None:
        hint = "use fewer units or a smaller training.batch_size"
        yield Diagnostic(f"the run {excess}", hint, ("model",), "E051")


def engine_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield why the engine or compiled kernels cannot be used, or which keys have no effect."""
    spec, registry = context.spec.engine, context.registry
    if spec.kernels == "numpy":
        for key, value in {"type": spec.type, "threads": spec.threads}.items():
            if value is not None:
                message = f'"{key}" has no effect with kernels = "numpy"'
                hint = 'remove it, or `kernels = "numpy"`'
                yield Diagnostic(message, hint, ("engine", key), "W009")
        return
    if spec.type is not None:
        try:
            why = why_unavailable(registry.find("engine", spec.type))
        except UnknownTypeError as error:
            yield Diagnostic(error.message, error.hint, ("engine", "type"), error.code)
            return
        if why is not None:
            message = f'the engine "{spec.type}" cannot be used: {why}'
            yield Diagnostic(message, "remove `type`", ("engine", "type"), "E008")
            return
    if spec.kernels == "jit" and not Kernels(registry, compiled=True).has_compiled:
        kernels = (entry.component for entry in registry.entries("kernel"))
        reasons = dict.fromkeys(why_unavailable(kernel) for kernel in kernels if kernel.compiled)
        why = "; ".join(filter(None, reasons)) or "no plugin that has some is installed"
        hint = 'or set kernels = "auto", which falls back to NumPy'
        message = f"there are no compiled kernels: {why}"
        yield Diagnostic(message, hint, ("engine", "kernels"), "E008")
