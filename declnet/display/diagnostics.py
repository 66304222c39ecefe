"""Diagnostics in a notebook: as HTML, and as the traceback of an error that a cell raises."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

from declnet.display.excerpts import COLORS, colored, marked_line, rendered, summary
from declnet.display.html import Html, element, joined, view
from declnet.errors import Diagnostic, Place, dotted


def diagnostics_view(diagnostics: Sequence[Diagnostic]) -> str:
    """Return diagnostics as HTML, each with its line and the part meant marked in it."""
    return view(*map(diagnostic_html, diagnostics), element("div", summary(diagnostics)))


def diagnostic_html(diagnostic: Diagnostic) -> Html:
    """Return a diagnostic as HTML, without a style."""
    title = element(
        "b", element("span", diagnostic.severity, f"[{diagnostic.code}]", kind=diagnostic.severity)
    )
    parts: list[object] = [title, f": {diagnostic.message}"]
    if diagnostic.place is not None:
        parts.append(_place(diagnostic.place, with_position=bool(diagnostic.path)))
    else:
        parts.append(element("div", dotted(diagnostic.path) or "spec", kind="faint"))
    if diagnostic.help:
        parts.append(element("div", element("b", "help"), f": {diagnostic.help}"))
    for text, other in diagnostic.notes:
        parts += [element("div", element("b", "note"), f": {text}"), _place(other)]
    return element("div", *parts, kind="problem")


def _place(place: Place, *, with_position: bool = True) -> Html:
    where = element("div", place if place.text or with_position else place.file, kind="faint")
    if not place.text.strip():
        return where
    before, marked, after = marked_line(place)
    number = element("span", f"{place.line} | ", kind="faint")
    line = element("pre", number, before, element("mark", marked or " "), after)
    return joined([where, line])


def traceback_lines(
    name: str, diagnostics: Sequence[Diagnostic], trace: TracebackType | None
) -> list[str]:
    """Return what a notebook shows of an uncaught error: where it was called, and what is wrong.

    Args:
        name: the name of its class.
        diagnostics: what is wrong.
        trace: the error's own traceback; what declnet and IPython did themselves is left out.
    """
    frame = COLORS["frame"]
    calls = [f"{colored(f'line {number}', frame)}: {text}" for number, text in _calls(trace)]
    title = f"{colored(name, COLORS['error'])}: {summary(diagnostics)}"
    return [title, *calls, "", rendered(diagnostics, colored)]


def _calls(trace: TracebackType | None) -> Iterator[tuple[int | None, str]]:
    """Yield the lines of the user's own code that led to an error."""
    package = Path(__file__).parents[1]
    for frame in traceback.extract_tb(trace):
        folder = Path(frame.filename).parent
        text = (frame.line or "").strip()
        if text and package not in (folder, *folder.parents) and "IPython" not in folder.parts:
            yield frame.lineno, text
