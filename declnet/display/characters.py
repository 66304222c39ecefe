"""Characters on a terminal: control characters as escapes, and the width of a text."""

from __future__ import annotations

import re

_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
    r"\ufff9-\ufffb\ud800-\udfff]"
)
"""What may move the cursor, paint, or reverse the order of a line; not line breaks and tabs."""


def escaped(text: str) -> str:
    r"""Return a text with control characters as `\u001b`, an escape in strings of JSON and TOML.

    Line breaks and tabs stay.
    """
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def escaped_line(text: str) -> str:
    """Return a text like `escaped`, with line breaks and tabs escaped too."""
    return escaped(text).replace("\n", "\\u000a").replace("\t", "\\u0009")


def cell_width(text: str) -> int:
    """Return the width of a text in terminal columns; a wide character takes two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
