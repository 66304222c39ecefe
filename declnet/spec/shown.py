"""Values in messages."""

from __future__ import annotations

import json
from datetime import date, time
from typing import Any


def shown(value: Any) -> str:
    """A value as messages show it: as a spec has it, and not too much of it."""
    try:
        text = _text(value)
    except ValueError:  # an integer of more digits than Python writes
        return "a number of very many digits"
    return text if len(text) <= 60 else f"{text[:57]}…"


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return f"a table with {', '.join(map(str, value))}" if value else "an empty table"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value[:60]))}]"
    if isinstance(value, str):
        return f'"{value}"'
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return value.isoformat() if isinstance(value, date | time) else repr(value)
