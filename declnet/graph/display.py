"""The table of a model: a row per layer with its output's shape and its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from declnet.contracts.arrays import Shape
from declnet.contracts.network.inputs import InputInfo, input_value
from declnet.display.tables import ResultTable, Row
from declnet.graph.shapes import Node

MAX_LAYERS = 500
"""Maximum number of layers shown."""


def with_batch(shape: Shape) -> str:
    """Return the shape of a value, n samples first, e.g. `(n, 28, 28)`."""
    return "(" + ", ".join(["n", *map(str, shape)]) + ")"


def layers_table(nodes: Sequence[Node], inputs: Mapping[str, InputInfo]) -> ResultTable:
    """Return a row for each input and layer, with the output shape, and the total of parameters."""
    rows: list[Row] = [
        (input_value(name), "", with_batch(info.shape), "") for name, info in inputs.items()
    ]
    for node in nodes[:MAX_LAYERS]:
        shared = None if node.shared is None else f"of {nodes[node.shared].name}"
        shape = with_batch(node.output_shape)
        rows.append((node.name, node.layer.type, shape, shared or node.parameter_count))
    if (left := len(nodes) - MAX_LAYERS) > 0:
        rows.append((f"… and {left:,} more", "", "", ""))
    rows.append(("total", "", "", sum(node.parameter_count for node in nodes)))
    columns = ("layer", "type", "output", "parameters")
    return ResultTable("", columns, tuple(rows), kinds={"parameters": "number"})
