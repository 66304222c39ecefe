"""Pieces of HTML for notebooks: self-contained, without scripts, in the colors of the theme."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from declnet.display.characters import escaped
from declnet.display.displayed import Displayed
from declnet.display.tables import ResultTable

SERIES = ("#2f8ed0", "#dc712d", "#1fa883", "#c762a2", "#b99525", "#5eaed6", "#8677d4", "#88929b")
"""Colors of lines and bars, for light and for dark themes."""

STYLE = (
    ".declnet{line-height:1.4}"
    ".declnet table{border-collapse:collapse;margin:.3em 0;color:inherit;font-size:inherit}"
    ".declnet caption{text-align:left;font-weight:bold;padding:.2em .6em}"
    ".declnet th,.declnet td{text-align:left;vertical-align:top;padding:.1em .6em;border:0;"
    "border-bottom:1px solid #8884}.declnet tbody th,.declnet tfoot th{font-weight:inherit}"
    ".declnet .n{text-align:right;font-variant-numeric:tabular-nums}"
    ".declnet pre{margin:.2em 0 .6em;line-height:1.3;overflow-x:auto}"
    ".declnet .faint{opacity:.65}.declnet .error{color:#d33}.declnet .warning{color:#b70}"
    ".declnet .good{font-weight:bold;background:rgb(0 104 176/calc(var(--share)*45%))}"
    ".declnet .bad{background:rgb(196 80 10/calc(var(--share)*45%))}"
    ".declnet mark{color:inherit;background:#e335;text-decoration:underline wavy #e33}"
    ".declnet .problem{margin-bottom:.6em}"
    ".declnet summary{cursor:pointer}.declnet details>*:not(summary){margin-left:1.2em}"
    ".declnet svg{display:block;max-width:100%;height:auto}.declnet polyline{fill:none}"
    ".declnet polyline{stroke-width:1.8}.declnet .grid{stroke:#8884}"
    ".declnet .error-bar{stroke:currentColor}"
    ".declnet svg text{fill:currentColor;font:11px sans-serif}"
    ".declnet .sample{white-space:nowrap}.declnet .sample svg{display:inline-block}"
    + "".join(
        f".declnet .c{at}{{stroke:{color}}}.declnet rect.c{at}{{fill:{color};stroke:none}}"
        for at, color in enumerate(SERIES)
    )
)
"""The style of every view; all colors but borders, marks and series come from the notebook."""


class Html(str):
    """Text that is HTML already; any other text is escaped where it is inserted."""

    __slots__ = ()


def html(value: object) -> Html:
    """Return a value as HTML: itself if it is `Html`, a result, else its text, escaped."""
    if isinstance(value, Displayed):
        return joined(value.displayed())
    return value if isinstance(value, Html) else Html(escape(escaped(str(value))))


def joined(parts: Iterable[object]) -> Html:
    """Return the concatenation of parts, each escaped unless it is `Html`."""
    return Html("".join(map(html, parts)))


def element(name: str, *parts: object, kind: str = "", **attributes: str) -> Html:
    """Return an element with these parts, each escaped unless it is `Html`.

    Args:
        name: the element's name.
        parts: its content.
        kind: its classes in the style sheet, none by default.
        attributes: other attributes; empty ones are left out.
    """
    named = {"class": kind, **attributes}
    opening = "".join(f' {key}="{escape(value)}"' for key, value in named.items() if value)
    return Html(f"<{name}{opening}>{joined(parts)}</{name}>")


def table_html(table: ResultTable) -> Html:
    """Return a table, with its note below; the first cell of each row names it."""
    kinds = ["n" if right else "" for right in table.right_aligned()]
    marks = {(number, at): mark for number, at, mark in table.marks}

    def row(texts: Sequence[str], number: int = -1) -> Html:
        cells = []
        for at, text in enumerate(texts):
            mark = marks.get((number, at), 0.0)
            sign = " good" if mark > 0 else " bad" if mark < 0 else ""
            name, scope = ("td", "") if at else ("th", "row")
            style = f"--share:{abs(mark):.3g}" if mark else ""
            cells.append(element(name, text, kind=kinds[at] + sign, scope=scope, style=style))
        return element("tr", *cells)

    names = zip(table.columns, kinds, strict=True)
    heads = (
        element("th", name, kind=kind, scope="col") if name else element("td")
        for name, kind in names
    )
    body = (row(texts, number) for number, texts in enumerate(table.texts()))
    parts = [element("thead", element("tr", *heads)), element("tbody", *body)]
    if table.title:
        parts.insert(0, element("caption", table.title))
    if table.footer:
        parts.append(element("tfoot", *map(row, table.texts(table.footer))))
    note = element("div", table.note, kind="faint") if table.note else ""
    return joined([element("table", *parts) if table.columns else table.title, note])


def collapsible(summary: object, *parts: object, is_open: bool = False) -> Html:
    """Return parts that unfold below a line with a click, without a script."""
    opening = "<details open>" if is_open else "<details>"
    return Html(f"{opening}{element('summary', summary)}{joined(parts)}</details>")


def view(*parts: object) -> str:
    """Return the whole output of a cell, with the style that it needs."""
    return Html(f'<div class="declnet"><style>{STYLE}</style>{joined(parts)}</div>')


def heading(name: str, facts: Sequence[str]) -> Html:
    """Return a line with the name of a result and facts about it."""
    return element("div", element("b", name), ", ", element("span", ", ".join(facts), kind="faint"))
