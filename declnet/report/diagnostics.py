"""Problems of a spec as people read them, in the manner of a compiler; and as data for editors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from declnet.errors import Diagnostic, Place, dotted

Paint = Callable[[str, str], str]
"""A text in a colour: `paint("error", "red")`."""

COLOURS = {"error": "bright_red", "warning": "yellow", "frame": "bright_blue"}
WIDEST = 160
"""Characters of a line that are shown; of a longer one, those around the fault."""


def plain(text: str, _colour: str) -> str:
    """Paints nothing."""
    return text


def rendered(problems: Iterable[Diagnostic], paint: Paint = plain) -> str:
    """Each problem with its line and carets under the guilty part, then how many there are."""
    found = tuple(problems)
    blocks = [_block(problem, paint) for problem in found]
    return "\n\n".join([*blocks, summary(found)])


def summary(problems: Iterable[Diagnostic]) -> str:
    """How many errors and warnings there are, and where more is said about one."""
    found = tuple(problems)
    counts = Counter(problem.severity for problem in found)
    parts = [
        f"{counts[severity]} {severity}{'s' if counts[severity] != 1 else ''}"
        for severity in ("error", "warning")
        if counts[severity]
    ]
    more = f"; `declnet explain {found[0].code}` says more" if found else ""
    return ", ".join(parts) + more


def as_data(problems: Iterable[Diagnostic]) -> dict[str, Any]:
    """The same for programs; lines and columns count from 1, `end_column` is one past the end."""
    return {"problems": [_as_data(problem) for problem in problems]}


def _as_data(problem: Diagnostic) -> dict[str, Any]:
    place = problem.place or Place("", 1, 1, 1, 1, "")
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "hint": problem.help,
        "path": dotted(problem.path),
    }


def _block(problem: Diagnostic, paint: Paint) -> str:
    colour = COLOURS[problem.severity]
    lines = [f"{paint(f'{problem.severity}[{problem.code}]', colour)}: {problem.message}"]
    place = problem.place
    margin = " " * (len(str(place.line)) if place else 1)

    def framed(mark: str, text: str = "") -> str:
        return f"{margin} {paint(mark, COLOURS['frame'])} {text}".rstrip()

    if place is None:
        lines += [f"{margin}{paint('-->', COLOURS['frame'])} {dotted(problem.path) or 'spec'}"]
    else:
        where = str(place) if place.text or problem.path else place.file
        lines.append(f"{margin}{paint('-->', COLOURS['frame'])} {where}")
        if place.text.strip():
            text, carets = _excerpt(place)
            number = paint(f"{place.line} |", COLOURS["frame"])
            lines += [framed("|"), f"{number} {text}", framed("|", paint(carets, colour))]
    if problem.help:
        lines.append(framed("=", f"hint: {problem.help}"))
    return "\n".join(lines)


def _excerpt(place: Place) -> tuple[str, str]:
    """The line and the carets below it, as wide as a terminal shows them."""
    start = place.column - 1
    end = place.end_column - 1 if place.end_line == place.line else len(place.text)
    first = max(0, start - WIDEST // 2) if len(place.text) > WIDEST else 0
    last = min(len(place.text), first + WIDEST)
    before = _printable(place.text[first:start])
    guilty = _printable(place.text[start : min(end, last)])
    after = _printable(place.text[min(end, last) : last])
    carets = " " * _width(before) + "^" * max(1, _width(guilty))
    left, right = "…" if first else "", "…" if last < len(place.text) else ""
    return f"{left}{before}{guilty}{after}{right}".rstrip(), " " * len(left) + carets


def _printable(text: str) -> str:
    """Tabs as spaces, and what a terminal would not show as a mark."""
    return "".join(
        "    " if each == "\t" else each if each.isprintable() else "\ufffd" for each in text
    )


def _width(text: str) -> int:
    """Columns of a terminal; a wide character takes two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
