"""Draws a laid out network as SVG; the page's style sheet colours it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from declnet.report.page.network.layout import BOX, BOX_HEIGHT, Layout

MARGIN = 6.0
LONGEST_NAME, LONGEST_DETAIL = 17, 28
"""Characters that fit into a box."""


@dataclass(frozen=True)
class Label:
    """What a box says: its name, its type and shape, and how many parameters it has."""

    name: str
    detail: str
    count: str = ""


def draw(layout: Layout, labels: Sequence[Label], description: str) -> str:
    """The drawing as an `<svg>` element, every text escaped.

    Args:
        layout: where everything is.
        labels: for each value, the model's input first.
        description: for those who cannot see it.
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
