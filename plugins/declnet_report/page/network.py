"""The network of a run: its drawing, and its layers as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from declnet import DeclnetError, LayerSummary, StoredRun
from declnet_report.page.content import NetworkSection, Table
from declnet_report.page.formatting import format_number, format_shape
from declnet_report.page.network_layout import BOX, BOX_HEIGHT, Layout, lay_out
from declnet_report.page.run_data import reason_of

INPUT = "input"
"""The name of the model's input among the inputs of layers."""
MOST_DRAWN = 150
"""Most layers in a drawing; larger networks get only the table."""
MARGIN = 6.0
LONGEST_NAME, LONGEST_DETAIL = 17, 28
"""Number of characters that fit in a box."""


@dataclass(frozen=True)
class Label:
    """The text of a box: a layer's name, type, shape and number of parameters."""

    name: str
    detail: str
    count: str = ""


def network_section(run: StoredRun) -> NetworkSection:
    """Return the network as declared in the spec, without weights, or why it is missing."""
    try:
        layers = run.summary()
        declared = [layer.name for layer in run.spec.model.layers]
    except DeclnetError as error:
        return NetworkSection(f"The network cannot be shown: {reason_of(error)}.")
    total = sum(layer.parameters for layer in layers)
    note = f"{len(layers)} layers, {format_number(total)} parameters."
    if len(layers) > MOST_DRAWN:
        return NetworkSection(f"{note} It is too large for a drawing.", "", _table(layers))
    return NetworkSection(note, _drawing(run, layers, declared), _table(layers))


def _drawing(run: StoredRun, layers: Sequence[LayerSummary], declared: Sequence[str | None]) -> str:
    labels = [Label(INPUT, format_shape(run.input_shape))]
    for layer, name in zip(layers, declared, strict=True):
        sort = f"{layer.type} · " if name not in (None, layer.type) else ""
        count = format_number(layer.parameters) if layer.parameters else ""
        labels.append(Label(layer.name, f"{sort}{format_shape(layer.output_shape)}", count))
    values = {name: value for value, name in enumerate([INPUT, *(each.name for each in layers)])}
    layout = lay_out([[values[name] for name in layer.inputs] for layer in layers])
    return draw(layout, labels, f"Graph of {len(layers)} layers; the table of layers says the same")


def _table(layers: Sequence[LayerSummary]) -> Table:
    rows = tuple(
        (
            layer.name,
            layer.type,
            ", ".join(layer.inputs),
            format_shape(layer.output_shape),
            format_number(layer.parameters),
        )
        for layer in layers
    )
    return Table("Layers", ("layer", "type", "takes", "output", "parameters"), rows)


def draw(layout: Layout, labels: Sequence[Label], description: str) -> str:
    """Return the drawing as an `<svg>` element with escaped text, colored by the style sheet.

    Args:
        layout: all positions.
        labels: for each value, the model's input first.
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
        + _text("name", left + 12, y + 19, _cut(label.name, LONGEST_NAME))
        + _text("detail", left + 12, y + 36, _cut(label.detail, LONGEST_DETAIL))
        + _text("count", right - 12, y + 19, label.count, 'text-anchor="end"')
        + "</g>"
    )


def _text(sort: str, x: float, y: float, text: str, more: str = "") -> str:
    return f'<text class="{sort}" x="{x:.1f}" y="{y:.1f}" {more}>{escape(text)}</text>'


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
