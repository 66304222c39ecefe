"""What `declnet check` prints of a model: its layers, and the memory of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from declnet.components.arrays import Shape
from declnet.graph.nodes import Node
from declnet.report.terminal import print_table, shown_bytes


def print_layers(nodes: Sequence[Node], input_shape: Shape) -> None:
    """A row a layer: name, type, output shape (n samples first), parameters."""
    rows = [("input", "", _with_batch(input_shape), "")]
    rows += [
        (node.name, node.layer.type, _with_batch(node.output_shape), f"{node.parameter_count:,}")
        for node in nodes
    ]
    total = sum(node.parameter_count for node in nodes)
    rows.append(("total", "", "", f"{total:,}"))
    columns = ("layer", "type", "output", "parameters")
    print_table(None, columns, rows, numeric=frozenset({"parameters"}))


def print_memory(memory: Mapping[str, int]) -> None:
    """A row for each purpose, and the sum."""
    rows = [(purpose, shown_bytes(size)) for purpose, size in memory.items()]
    rows.append(("total", shown_bytes(sum(memory.values()))))
    print_table(None, ("memory of a run", "size"), rows, numeric=frozenset({"size"}))


def _with_batch(shape: Shape) -> str:
    return "(" + ", ".join(["n", *map(str, shape)]) + ")"
