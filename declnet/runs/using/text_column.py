"""The items of a column in words, for CSV and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np

from declnet.components.arrays import Array


def as_text(column: Array, quoted: Callable[[str], str]) -> list[str]:
    """One string an item: text as `quoted` makes it; numbers so short that they read back the same.

    Args:
        column: (n,) text (objects), booleans, integers or floats.
        quoted: called once for each distinct text.
    """
    if column.dtype.kind == "O":
        items = column.tolist()
        known = {each: quoted(each) for each in set(items)}
        return [known[each] for each in items]
    if column.dtype.kind == "b":
        return ["true" if each else "false" for each in column.tolist()]
    texts: list[str] = column.astype("U").tolist()
    return texts


def csv_text(text: str) -> str:
    """A cell, in quotation marks if it needs them."""
    if text and not any(each in text for each in '",\r\n') and text.strip() == text:
        return text
    return '"' + text.replace('"', '""') + '"'


def json_text(text: str) -> str:
    """A string of JSON."""
    return json.dumps(text, ensure_ascii=False)


def json_items(column: Array) -> list[str]:
    """Values of JSON; what is NaN or infinite, which JSON does not have, is null."""
    items = as_text(column, json_text)
    if column.dtype.kind == "f":
        for position in np.flatnonzero(~np.isfinite(column)):
            items[position] = "null"
    return items
