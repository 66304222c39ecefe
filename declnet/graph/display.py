"""A model in a notebook: a row per layer with its output's shape and its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from declnet.contracts.arrays import Shape
from declnet.contracts.network.inputs import InputInfo, input_value
from declnet.display.html import Html, table
from declnet.graph.shapes import Node

MOST_LAYERS = 500
"""Maximum number of layers shown."""


def with_batch(shape: Shape) -> str:
    """Return the shape of a value, n samples first, e.g. `(n, 28, 28)`."""
    return "(" + ", ".join(["n", *map(str, shape)]) + ")"


def layer_rows(nodes: Sequence[Node], inputs: Mapping[str, InputInfo]) -> list[tuple[str, ...]]:
    """Return rows of name, type, output shape and parameters: inputs, layers and a total."""
    total, left = sum(node.parameter_count for node in nodes), len(nodes) - MOST_LAYERS
    return [
        *((input_value(name), "", with_batch(each.shape), "") for name, each in inputs.items()),
        *(
            (
                each.name,
                each.layer.type,
                with_batch(each.output_shape),
                f"{each.parameter_count:,}"
                if each.shared is None
                else f"of {nodes[each.shared].name}",
            )
            for each in nodes[:MOST_LAYERS]
        ),
        *([(f"… and {left:,} more", "", "", "")] if left > 0 else ()),
        ("total", "", "", f"{total:,}"),
    ]


LAYER_COLUMNS = ("layer", "type", "output", "parameters")
"""The headings of `layer_rows`."""


def layers_html(nodes: Sequence[Node], inputs: Mapping[str, InputInfo]) -> Html:
    """Return a table of layers as HTML, without a style."""
    return table(LAYER_COLUMNS, layer_rows(nodes, inputs), numeric=[3])
