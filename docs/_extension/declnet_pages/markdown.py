"""Pieces of Markdown text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|$])")


def escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\1", text)


def prose(text: str) -> str:
    """Text that Markdown shows as it is, but for code in single backticks."""
    return "`".join(
        part if position % 2 else escaped(part) for position, part in enumerate(text.split("`"))
    )


def code(text: str) -> str:
    """Text as inline code; nothing for an empty one."""
    if not text:
        return ""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}".replace("|", "\\|")


def block(text: str, language: str) -> str:
    """Text as a block of code."""
    fence = "````" if "```" in text else "```"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are Markdown already. Columns that are empty in every row are left out."""
    rows = [tuple(row) for row in rows]
    shown = [at for at in range(len(columns)) if any(row[at] for row in rows)]
    lines = [[columns[at] for at in shown], ["---"] * len(shown)]
    lines += [[row[at] for at in shown] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
