"""Markdown with the metadata of a model card: tables, escaped texts, and values as YAML."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from declnet.display.characters import escaped_line
from declnet.display.tables import ResultTable

_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#|!~@&$^]")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def escaped_markdown(text: str) -> str:
    """Return a text that Markdown and HTML show as it is, on one line and without links."""
    special = _SPECIAL.sub(r"\\\g<0>", escaped_line(text))
    return special.replace("://", ":\\//").replace("www.", "www\\.")


def table_markdown(table: ResultTable) -> str:
    """Return a table without its title, the footer below the other rows."""
    marks = ("--:" if right else "---" for right in table.right_aligned())
    rows = (table.columns, *table.texts(), *table.texts(table.footer))
    first, *others = (" | ".join(map(escaped_markdown, row)) for row in rows)
    return "".join(f"| {row} |\n" for row in (first, " | ".join(marks), *others))


def yaml(value: Mapping[str, Any]) -> str:
    """Return a mapping as YAML in block style, with scalars as in JSON.

    Texts are quoted and numbers written so that YAML 1.1 and 1.2 read them alike. NaN and infinite
    numbers become null.

    Args:
        value: plain values; keys are identifiers.
    """
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, Mapping) and item:
                yield f"{key}:"
                yield from (f"  {line}" for line in _lines(item))
            elif isinstance(item, list) and item:
                yield f"{key}:"
                yield from _lines(item)
            else:
                yield f"{key}: {_scalar(item)}"
    elif isinstance(value, list):
        for item in value:
            first, *others = _lines(item)
            yield f"- {first}"
            yield from (f"  {line}" for line in others)
    else:
        yield _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, float):
        if not math.isfinite(value):
            return "null"
        mantissa, e, exponent = repr(value).partition("e")
        return f"{mantissa}{'.0' if e and '.' not in mantissa else ''}{e}{exponent}"
    text = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{_code(match[0]):04x}", text)


def _code(character: str) -> int:
    """Return a character's code point, or the replacement character's for a lone surrogate."""
    return 0xFFFD if "\ud800" <= character <= "\udfff" else ord(character)
