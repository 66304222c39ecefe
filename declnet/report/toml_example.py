"""A component as one would write it in a spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomli_w

_TABLES = {"layer": "[[model.layers]]", "loss": "[loss]", "optimizer": "[optimizer]"}


def toml_example(kind: str, type_name: str, fields: Mapping[str, Any]) -> str:
    """TOML for a component: under its heading where a spec has one, else as an inline table.

    Args:
        kind: of the component.
        type_name: its type.
        fields: its other keys.
    """
    table = {"type": type_name, **fields}
    if kind not in _TABLES:
        return inline_toml(table)
    return "\n".join([_TABLES[kind], *(f"{key} = {inline_toml(table[key])}" for key in table)])


def inline_toml(value: Any) -> str:
    """A TOML value on one line."""
    if isinstance(value, Mapping):
        items = (f"{_key(key)} = {inline_toml(item)}" for key, item in value.items())
        return "{ " + ", ".join(items) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(inline_toml(item) for item in value) + "]"
    return tomli_w.dumps({"value": value}).removeprefix("value = ").strip()


def _key(key: str) -> str:
    return tomli_w.dumps({key: 0}).removesuffix(" = 0\n")
