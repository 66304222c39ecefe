"""Diagnostics in a compiler's style, each with its line and a mark under the part meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from declnet.display.characters import cell_width, escaped_line
from declnet.errors import Diagnostic, Place, dotted, without_passwords

Paint = Callable[[str, str], str]
"""Return a text in a color, e.g. `paint("error", "red")`."""

COLORS = {"error": "red", "warning": "yellow", "frame": "blue"}
_ANSI = {"red": 91, "yellow": 33, "blue": 94}
WIDEST = 160
"""Maximum characters shown of a line; a longer one is cut to the part around the mark."""


def uncolored(text: str, _color: str) -> str:
    """Return a text as it is."""
    return text


def colored(text: str, color: str) -> str:
    """Return a text in bold and a color of `COLORS`, for terminals and tracebacks in notebooks."""
    return f"\x1b[{_ANSI[color]}m\x1b[1m{text}\x1b[0m"


def rendered(diagnostics: Sequence[Diagnostic], paint: Paint = uncolored) -> str:
    """Return each diagnostic with its line and carets under the marked part, then a summary."""
    blocks = [_block(diagnostic, paint) for diagnostic in diagnostics]
    return "\n\n".join([*blocks, summary(diagnostics)])


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """Return the number of errors and warnings, and how to read more about the first."""
    counts = Counter(diagnostic.severity for diagnostic in diagnostics)
    parts = [
        f"{counts[severity]} {severity}{'s' if counts[severity] != 1 else ''}"
        for severity in ("error", "warning")
        if counts[severity]
    ]
    more = f"; `declnet explain {diagnostics[0].code}` says more" if diagnostics else ""
    return ", ".join(parts) + more


def _block(diagnostic: Diagnostic, paint: Paint) -> str:
    color = COLORS[diagnostic.severity]
    title = paint(f"{diagnostic.severity}[{diagnostic.code}]", color)
    lines = [f"{title}: {diagnostic.message}"]
    place = diagnostic.place
    if place is None:
        arrow = " " + paint("-->", COLORS["frame"])
        lines += [f"{arrow} {escaped_line(dotted(diagnostic.path)) or 'spec'}"]
    else:
        where = str(place if place.text or diagnostic.path else place.file)
        lines += _framed_excerpt(place, where, color, paint)
    if diagnostic.help:
        margin = " " * (len(str(place.line)) if place else 1)
        lines.append(f"{margin} {paint('=', COLORS['frame'])} help: {diagnostic.help}")
    for text, other in diagnostic.notes:
        lines.append(f"{paint('note', COLORS['frame'])}: {escaped_line(text)}")
        lines += _framed_excerpt(other, str(other), COLORS["frame"], paint)
    return "\n".join(lines)


def _framed_excerpt(place: Place, where: str, color: str, paint: Paint) -> list[str]:
    """Return the lines that show a place: its name, then its line with carets if it has text."""
    margin = " " * len(str(place.line))
    lines = [f"{margin}{paint('-->', COLORS['frame'])} {escaped_line(where)}"]
    if place.text.strip():
        before, marked, after = marked_line(place)
        carets = " " * cell_width(before) + "^" * max(1, cell_width(marked))
        bar = f"{margin} {paint('|', COLORS['frame'])}"
        number = paint(f"{place.line} |", COLORS["frame"])
        lines += [
            bar,
            f"{number} {before}{marked}{after}",
            f"{bar} {paint(carets, color)}".rstrip(),
        ]
    return lines


def marked_line(place: Place) -> tuple[str, str, str]:
    """Return the line of a place, cut to `WIDEST` characters: before, in and after the place."""
    text, start = without_passwords(place.text), place.column - 1
    end = place.end_column - 1 if place.end_line == place.line else len(text)
    first = max(0, start - WIDEST // 2) if len(text) > WIDEST else 0
    last = min(len(text), first + WIDEST)
    before = _printable(text[first:start])
    marked = _printable(text[start : min(end, last)])
    after = _printable(text[min(end, last) : last])
    left, right = "…" if first else "", "…" if last < len(text) else ""
    if after or right:
        return left + before, marked, f"{after}{right}".rstrip()
    return left + before, marked.rstrip() or marked[:1], ""


def _printable(text: str) -> str:
    """Return a text with tabs replaced by spaces, and unprintable characters by a mark."""
    text = text.replace("\t", "    ")
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
