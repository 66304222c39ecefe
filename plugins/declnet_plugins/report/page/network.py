"""The network of a run: its layout, its drawing, and its layers as a table.

The layout goes from top to bottom, with long connections routed around layers. After Sugiyama,
Tagawa and Toda, Methods for visual understanding of hierarchical system structures, 1981: ranks by
longest path, and an order within each rank by the means of neighbors. A connection that spans ranks
runs straight, in the nearest free lane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from declnet import DeclnetError, LayerSummary, ResultTable, StoredRun, format_cell
from declnet_plugins.report.drawing import set_apart
from declnet_plugins.report.page.content import Section
from declnet_plugins.report.page.formatting import format_shape
from declnet_plugins.report.page.run_data import reason_of

BOX, BOX_HEIGHT, GAP, RANK_GAP = 196.0, 46.0, 22.0, 26.0
"""Width and height of a layer, horizontal and vertical gap."""
LANE = 16.0
"""Width of a lane."""
SWEEPS = 8

Point = tuple[float, float]

INPUT = "input"
"""The name of the model's only input among the inputs of layers, or what precedes its name."""

MOST_DRAWN = 150
"""Maximum number of layers in a drawing; larger networks get only the table."""

MARGIN = 6.0

LONGEST_NAME, LONGEST_DETAIL = 17, 28
"""Number of characters that fit in a box."""


@dataclass(frozen=True)
class Layout:
    """All positions, in pixels from the upper left corner.

    Attributes:
        boxes: the middle of each value's upper edge; the first values are the model's inputs.
        connections: the points of each, from the lower edge of a layer to the upper of another.
    """

    width: float
    height: float
    boxes: tuple[Point, ...]
    connections: tuple[tuple[Point, ...], ...]


def lay_out(inputs: Sequence[Sequence[int]], n_inputs: int = 1) -> Layout:
    """Return the positions of all values.

    Args:
        inputs: the values that each layer takes: the model's inputs from 0 on, then the outputs of
            the layers.
        n_inputs: the number of the model's inputs.
    """
    above = [*([] for _ in range(n_inputs)), *(list(dict.fromkeys(values)) for values in inputs)]
    ranks = _ranks(above)
    middles = _middles(above, _ordered(above, ranks))
    lanes = Lanes(list(zip(ranks, middles, strict=True)))
    wires = [(value, layer) for layer, values in enumerate(above) for value in values]
    wires.sort(key=lambda wire: ranks[wire[1]] - ranks[wire[0]])  # short ones get inner lanes
    passing = {
        (value, layer): lanes.take(ranks[value], ranks[layer], middles[value], middles[layer])
        for value, layer in wires
        if ranks[layer] - ranks[value] > 1
    }
    left, right = lanes.extent()
    tops = [rank * (BOX_HEIGHT + RANK_GAP) for rank in ranks]
    boxes = tuple((x - left, top) for x, top in zip(middles, tops, strict=True))
    connections = []
    for value, layer in wires:
        points = [(boxes[value][0], tops[value] + BOX_HEIGHT), boxes[layer]]
        if (value, layer) in passing:
            x = passing[value, layer] - left
            first, last = tops[value] + BOX_HEIGHT + RANK_GAP, tops[layer] - RANK_GAP
            points[1:1] = [(x, first), (x, last)]
        connections.append(tuple(points))
    height = max(tops) + BOX_HEIGHT
    return Layout(right - left, height, boxes, tuple(connections))


def _ranks(above: Sequence[Sequence[int]]) -> list[int]:
    """Return the rank of each value, one below its lowest input."""
    ranks: list[int] = []
    for values in above:
        ranks.append(1 + max((ranks[value] for value in values), default=-1))
    return ranks


def _ordered(above: Sequence[Sequence[int]], ranks: Sequence[int]) -> list[list[int]]:
    """Return the values of each rank, left to right, close to their neighbors."""
    below: list[list[int]] = [[] for _ in above]
    for layer, values in enumerate(above):
        for value in values:
            below[value].append(layer)
    rows: list[list[int]] = [[] for _ in range(max(ranks) + 1)]
    for value, rank in enumerate(ranks):
        rows[rank].append(value)
    places = [0.0] * len(above)
    for sweep in range(SWEEPS):
        near = below if sweep % 2 else above
        for row in reversed(rows) if sweep % 2 else rows:
            for value in row:
                if near[value]:
                    places[value] = _mean(places, near[value])
            row.sort(key=lambda value: places[value])
            for position, value in enumerate(row):
                places[value] = position - (len(row) - 1) / 2
    return rows


def _middles(above: Sequence[Sequence[int]], rows: Sequence[Sequence[int]]) -> list[float]:
    """Return a middle for each value, below its inputs as far as its neighbors leave room."""
    middles = [0.0] * len(above)
    for row in rows:
        wishes = [_mean(middles, above[value]) if above[value] else 0.0 for value in row]
        for value, place in zip(row, set_apart(wishes, BOX + GAP), strict=True):
            middles[value] = place
    return middles


def _mean(places: Sequence[float], values: Sequence[int]) -> float:
    return sum(places[value] for value in values) / len(values)


class Lanes:
    """Occupied space in each rank: boxes first, then lanes for connections.

    Args:
        boxes: the rank and the middle of each box.
    """

    def __init__(self, boxes: Sequence[tuple[int, float]]) -> None:
        self._occupied: list[tuple[int, float, float]] = [(rank, x, BOX / 2) for rank, x in boxes]

    def take(self, upper: int, lower: int, start: float, end: float) -> float:
        """Reserve the lane through all ranks between two that bends a connection least.

        Args:
            upper: the rank where the connection begins.
            lower: the rank where it ends.
            start: the position where it begins.
            end: the position where it ends.

        Returns:
            The middle of the lane.
        """
        passed = [(x, half) for rank, x, half in self._occupied if upper < rank < lower]
        beside = [x + side * _distance(half) for x, half in passed for side in (1, -1)]
        free = [
            x
            for x in (start, end, *beside)
            if all(abs(x - other) >= _distance(half) - 1e-6 for other, half in passed)
        ]
        lane = min(free, key=lambda x: (abs(x - start) + abs(x - end), -x))
        self._occupied += [(rank, lane, LANE / 2) for rank in range(upper + 1, lower)]
        return lane

    def extent(self) -> tuple[float, float]:
        """Return the left and right ends of all occupied space."""
        left = min(x - half for _, x, half in self._occupied)
        return left, max(x + half for _, x, half in self._occupied)


def _distance(half: float) -> float:
    """Return the least distance of a lane's middle from an object of this half width."""
    return half + LANE / 2 + (GAP - LANE / 2 if half > LANE else 0.0)


@dataclass(frozen=True)
class Label:
    """The text of a box: a layer's name, type, shape and number of parameters."""

    name: str
    detail: str
    count: str = ""


def network_section(run: StoredRun) -> Section:
    """Return the network as declared in the spec, without weights, or why it is missing."""
    try:
        layers = run.summary()
        declared = [layer.name for layer in run.spec.model.layers]
    except DeclnetError as error:
        return Section(f"The network cannot be shown: {reason_of(error)}.")
    total = sum(layer.parameters for layer in layers)
    note = f"{len(layers)} layers, {format_cell(total)} parameters."
    if len(layers) > MOST_DRAWN:
        return Section(f"{note} It is too large for a drawing.", tables=(_table(layers),))
    return Section(note, tables=(_table(layers),), drawing=_drawing(run, layers, declared))


def _drawing(run: StoredRun, layers: Sequence[LayerSummary], declared: Sequence[str | None]) -> str:
    inputs = {f"{INPUT}.{name}" if name else INPUT: info for name, info in run.inputs.items()}
    labels = [Label(name, format_shape(info.shape)) for name, info in inputs.items()]
    for layer, name in zip(layers, declared, strict=True):
        sort = f"{layer.type} · " if name not in (None, layer.type) else ""
        count = format_cell(layer.parameters) if layer.parameters else ""
        labels.append(Label(layer.name, f"{sort}{format_shape(layer.output_shape)}", count))
    values = {
        name: value for value, name in enumerate([*inputs, *(layer.name for layer in layers)])
    }
    sources = [[values[name] for name in layer.inputs] for layer in layers]
    layout = lay_out(sources, len(inputs))
    return draw(layout, labels, f"Graph of {len(layers)} layers; the table of layers says the same")


def _table(layers: Sequence[LayerSummary]) -> ResultTable:
    rows = tuple(
        (
            layer.name,
            layer.type,
            ", ".join(layer.inputs),
            format_shape(layer.output_shape),
            layer.parameters,
        )
        for layer in layers
    )
    columns = ("layer", "type", "takes", "output", "parameters")
    return ResultTable("Layers", columns, rows, kinds={"parameters": "number"})


def draw(layout: Layout, labels: Sequence[Label], description: str) -> str:
    """Return the drawing as an `<svg>` element with escaped text, colored by the style sheet.

    Args:
        layout: all positions.
        labels: for each value, the model's inputs first.
        description: for screen readers.
    """
    width, height = layout.width + 2 * MARGIN, layout.height + 2 * MARGIN
    parts = [
        f'<svg class="network" role="img" aria-label="{escape(description)}" '
        f'viewBox="{-MARGIN:g} {-MARGIN:g} {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}">',
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>',
    ]
    parts += [_connection(points) for points in layout.connections]
    parts += [_box(place, label) for place, label in zip(layout.boxes, labels, strict=True)]
    return "".join([*parts, "</svg>"])


def _connection(points: tuple[tuple[float, float], ...]) -> str:
    (x, y), *rest = points
    path = f"M{x:.1f} {y:.1f}"
    for to_x, to_y in rest:
        if abs(to_x - x) < 0.5:
            path += f"L{to_x:.1f} {to_y:.1f}"
        else:
            middle = (y + to_y) / 2
            path += f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
        x, y = to_x, to_y
    return f'<path class="wire" marker-end="url(#arrow)" d="{path}"/>'


def _box(place: tuple[float, float], label: Label) -> str:
    x, y = place
    left, right = x - BOX / 2, x + BOX / 2
    whole = f"{label.name}: {label.detail}" + (f", {label.count} parameters" if label.count else "")
    sort = "layer" if label.count else "layer plain"
    return (
        f'<g class="{sort}"><title>{escape(whole)}</title>'
        f'<rect x="{left:.1f}" y="{y:.1f}" width="{BOX:g}" height="{BOX_HEIGHT:g}" rx="8"/>'
        + _svg_text("name", left + 12, y + 19, _cut(label.name, LONGEST_NAME))
        + _svg_text("detail", left + 12, y + 36, _cut(label.detail, LONGEST_DETAIL))
        + _svg_text("count", right - 12, y + 19, label.count, 'text-anchor="end"')
        + "</g>"
    )


def _svg_text(sort: str, x: float, y: float, text: str, more: str = "") -> str:
    return f'<text class="{sort}" x="{x:.1f}" y="{y:.1f}" {more}>{escape(text)}</text>'


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
