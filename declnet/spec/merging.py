"""Lays one document over another: tables merge deeply, all else replaces."""

from __future__ import annotations

from typing import Any

from declnet.spec.written import Origin


def merged(
    under: dict[str, Any], under_origin: Origin, over: dict[str, Any], over_origin: Origin
) -> tuple[dict[str, Any], Origin]:
    """A document with the keys of both; where both have one, that of `over` counts.

    Arrays replace arrays. A table whose `type` differs replaces the old one whole, since the old
    one's keys mean nothing to it. A bare name is a table with that type: a table without a type
    that is laid over it adds keys to it.
    """
    document, origin = dict(under), Origin(over_origin.writer)
    for key in under:
        origin.below[key] = _below(under_origin, key)
    for key, value in over.items():
        lower, upper_origin = under.get(key), _below(over_origin, key)
        lower_table = _as_table(lower)
        if key in under and isinstance(value, dict) and _joins(lower_table, value):
            lower_origin = origin.below[key]
            if isinstance(lower, str):
                lower_origin = Origin(lower_origin.writer)
            document[key], origin.below[key] = merged(
                lower_table, lower_origin, value, upper_origin
            )
        else:
            document[key], origin.below[key] = value, upper_origin
    return document, origin


def _below(origin: Origin, key: str) -> Origin:
    return origin.below.get(key) or Origin(origin.writer)


def _as_table(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value


def _joins(lower: Any, upper: dict[str, Any]) -> bool:
    return isinstance(lower, dict) and upper.get("type", lower.get("type")) == lower.get("type")
