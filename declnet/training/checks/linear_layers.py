"""Layers with weights that follow each other without an activation between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod

from declnet.errors import Diagnostic
from declnet.graph.nodes import Node
from declnet.graph.parameters import fans
from declnet.registry.registry import Registry
from declnet.training.checks.suggestions import rectifier


def linear_problems(nodes: Sequence[Node | None], registry: Registry) -> list[Diagnostic]:
    """Pairs of linear layers that one could take the place of, each told at the second of them.

    Args:
        nodes: the layers; where one is None, another reader may be missing, so nothing is found.
        registry: where hints find what they suggest.
    """
    known = [node for node in nodes if node is not None]
    if len(known) < len(nodes):
        return []
    readers = Counter(value for node in known for value in node.inputs)
    problems = []
    for node in known:
        first = _linear_before(node, known, readers)
        if first is not None:
            message = (
                f'"{first.name}" and "{node.name}" have no activation between them, so together '
                "they compute one linear map"
            )
            path = ("model", "layers", node.index)
            problems.append(Diagnostic(message, _hint(registry), path, "W003"))
    return problems


def _linear_before(node: Node, nodes: Sequence[Node], readers: Counter[int]) -> Node | None:
    """The layer with weights whose output reaches another one through linear layers alone.

    None if there is none, if another layer reads what lies between them, as in a residual block, or
    if that is narrower than what the first takes and what the second gives: a bottleneck limits the
    rank of the map, so it is of use.
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
    """Whether a layer is a linear map with trained weights, of all its channels (or features).

    In a grouped convolution, each filter sees some of the channels alone. With another one after it
    that mixes them, it makes up a separable convolution, which has no activation inside.
    """
    if not node.layer.is_linear or len(node.inputs) != 1:
        return False
    weights = [  # biases for which no role is declared have one axis
        each
        for each in node.parameters.values()
        if each.role == "weight" and each.trainable and len(each.shape) > 1
    ]
    channels, outputs = node.input_shapes[0][:1], node.output_shape[:1]
    return bool(weights) and all(
        fan_in * prod(outputs) >= fan_out * prod(channels) for fan_in, fan_out in map(fans, weights)
    )


def _hint(registry: Registry) -> str:
    activation = rectifier(registry)
    such = f' such as "{activation}"' if activation is not None else ""
    return f"put an activation{such} between them, or remove one of them"
