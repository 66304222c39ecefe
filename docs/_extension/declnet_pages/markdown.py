"""Helpers for Markdown text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|$])")


def escaped(text: str) -> str:
    """Escape text so that Markdown shows it literally."""
    return _SPECIAL.sub(r"\\\1", text)


def prose(text: str) -> str:
    """Escape text for Markdown, except for code in single backticks."""
    return "`".join(
        part if position % 2 else escaped(part) for position, part in enumerate(text.split("`"))
    )


def code(text: str) -> str:
    """Return text as inline code, or an empty string for empty text."""
    if not text:
        return ""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}".replace("|", "\\|")


def block(text: str, language: str) -> str:
    """Return text as a code block."""
    fence = "````" if "```" in text else "```"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown cells, without columns that are empty in every row."""
    rows = [tuple(row) for row in rows]
    shown = [at for at in range(len(columns)) if any(row[at] for row in rows)]
    lines = [[columns[at] for at in shown], ["---"] * len(shown)]
    lines += [[row[at] for at in shown] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
