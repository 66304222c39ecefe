"""Printed diagnostics, and diagnostics as data for editors."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from declnet.cli.display.streams import painted, print_line
from declnet.display.excerpts import colored, rendered, uncolored
from declnet.errors import Diagnostic, Place, dotted


def show_diagnostics(diagnostics: Sequence[Diagnostic]) -> None:
    """Print diagnostics, if any, on stderr, in color unless `NO_COLOR` is set."""
    if diagnostics:
        in_color = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        text = rendered(diagnostics, colored if in_color else uncolored)
        painted(sys.stderr).write(f"{text}\n")
        sys.stderr.flush()


def show_note(sentence: str) -> None:
    """Print a note on stderr: something to know that needs no action."""
    print_line(f"note: {sentence}", err=True)


def as_data(diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """Return diagnostics as data for programs.

    Lines and columns count from 1, and `end_column` is one past the end. Only a problem in a
    variable's value has `notes`, with the place of the definition.
    """
    problems = []
    for diagnostic in diagnostics:
        place = _place_data(diagnostic.place or Place("", 1, 1, 1, 1, ""))
        about: dict[str, Any] = {
            "code": diagnostic.code,
            "severity": diagnostic.severity,
            "message": diagnostic.message,
            "hint": diagnostic.help,
            "path": dotted(diagnostic.path),
        }
        if diagnostic.notes:
            notes = [{**_place_data(other), "message": text} for text, other in diagnostic.notes]
            about["notes"] = notes
        problems.append(place | about)
    return {"problems": problems}


def _place_data(place: Place) -> dict[str, Any]:
    data = asdict(place)
    del data["text"]
    return data
