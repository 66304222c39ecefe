"""Pieces of HTML for notebooks: self-contained, without scripts, in the colors of the theme."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from html import escape

from declnet.display.characters import escaped

STYLE = (
    ".declnet{line-height:1.4}"
    ".declnet table{border-collapse:collapse;margin:.3em 0;color:inherit;font-size:inherit}"
    ".declnet caption{text-align:left;font-weight:bold;padding:.2em .6em}"
    ".declnet th,.declnet td{text-align:left;vertical-align:top;padding:.1em .6em;border:0;"
    "border-bottom:1px solid #8884}"
    ".declnet .n{text-align:right;font-variant-numeric:tabular-nums}"
    ".declnet pre{margin:.2em 0 .6em;line-height:1.3;overflow-x:auto}"
    ".declnet .faint{opacity:.65}.declnet .error{color:#d33}.declnet .warning{color:#b70}"
    ".declnet mark{color:inherit;background:#e335;text-decoration:underline wavy #e33}"
    ".declnet .problem{margin-bottom:.6em}"
    ".declnet summary{cursor:pointer}.declnet details>*:not(summary){margin-left:1.2em}"
    ".declnet svg{display:block}"
)
"""The style of every view; all colors but borders and marks come from the notebook."""


class Html(str):
    """Text that is HTML already; any other text is escaped where it is inserted."""

    __slots__ = ()


def html(value: object) -> Html:
    """Return a value as HTML: itself if it is `Html`, else its text, escaped."""
    return value if isinstance(value, Html) else Html(escape(escaped(str(value))))


def joined(parts: Iterable[object]) -> Html:
    """Return the concatenation of parts, each escaped unless it is `Html`."""
    return Html("".join(map(html, parts)))


def element(name: str, *parts: object, kind: str = "") -> Html:
    """Return an element with these parts, each escaped unless it is `Html`.

    Args:
        kind: its classes in the style sheet, none by default.
    """
    opening = f'<{name} class="{escape(kind)}">' if kind else f"<{name}>"
    return Html(f"{opening}{joined(parts)}</{name}>")


def table(
    columns: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    caption: str | None = None,
    numeric: Collection[int] = (),
) -> Html:
    """Return a table.

    Args:
        columns: the headings; none if there are none.
        rows: the cells of each row, each escaped unless it is `Html`.
        caption: what is shown above it.
        numeric: the positions of columns that are aligned to the right.
    """

    def row(name: str, cells: Sequence[object]) -> Html:
        kinds = ("n" if at in numeric else "" for at in range(len(cells)))
        made = (element(name, cell, kind=kind) for cell, kind in zip(cells, kinds, strict=True))
        return element("tr", *made)

    head = [element("thead", row("th", columns))] if columns else []
    title = [element("caption", caption)] if caption else []
    body = element("tbody", *(row("td", each) for each in rows))
    return element("table", *title, *head, body)


def collapsible(summary: object, *parts: object, is_open: bool = False) -> Html:
    """Return parts that unfold below a line with a click, without a script."""
    opening = "<details open>" if is_open else "<details>"
    return Html(f"{opening}{element('summary', summary)}{joined(parts)}</details>")


def view(*parts: object) -> str:
    """Return the whole output of a cell, with the style that it needs."""
    return Html(f'<div class="declnet"><style>{STYLE}</style>{joined(parts)}</div>')
