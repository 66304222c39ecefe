"""The network of a run: its drawing and its layers as a table."""

from __future__ import annotations

from collections.abc import Sequence

from declnet.components.arrays import Shape
from declnet.errors import DeclnetError
from declnet.graph.nodes import Node, infer_nodes
from declnet.report.page.content import NetworkFigure, Table
from declnet.report.page.model_of_run import LoadedRun
from declnet.report.page.network.drawing import Label, draw
from declnet.report.page.network.layout import lay_out
from declnet.report.page.numbers import shown_number, shown_shape
from declnet.runs.reading import StoredRun

MOST_DRAWN = 150
"""Layers; more are only in the table."""


def network_figure(run: StoredRun, loaded: LoadedRun) -> NetworkFigure:
    """The network as the spec declares it, which needs no weights; or why it cannot be shown."""
    if loaded.spec is None:
        return NetworkFigure(f"The network cannot be shown: {loaded.missing}.")
    shape = run.manifest.get("input_shape")
    if not isinstance(shape, list):
        return NetworkFigure("The network cannot be shown: the manifest has no input_shape.")
    try:
        nodes = infer_nodes(loaded.spec.model.layers, tuple(shape))
    except DeclnetError as error:
        return NetworkFigure(f"The network cannot be shown: {error}.")
    total = sum(node.parameter_count for node in nodes)
    note = f"{len(nodes)} layers, {shown_number(total)} parameters."
    if len(nodes) > MOST_DRAWN:
        return NetworkFigure(f"{note} It is too large for a drawing.", "", _table(nodes))
    return NetworkFigure(note, _drawing(nodes, tuple(shape)), _table(nodes))


def _drawing(nodes: Sequence[Node], shape: Shape) -> str:
    labels = [Label("input", shown_shape(shape))]
    for node in nodes:
        named = node.layer.name is not None and node.layer.name != node.layer.type
        sort = f"{node.layer.type} · " if named else ""
        count = shown_number(node.parameter_count) if node.parameter_count else ""
        labels.append(Label(node.name, f"{sort}{shown_shape(node.output_shape)}", count))
    layout = lay_out([node.inputs for node in nodes])
    return draw(layout, labels, f"Graph of {len(nodes)} layers; the table of layers says the same")


def _table(nodes: Sequence[Node]) -> Table:
    names = ["input", *(node.name for node in nodes)]
    rows = tuple(
        (
            node.name,
            node.layer.type,
            ", ".join(names[value] for value in node.inputs),
            shown_shape(node.output_shape),
            shown_number(node.parameter_count),
        )
        for node in nodes
    )
    return Table("Layers", ("layer", "type", "takes", "output", "parameters"), rows)
