"""Names that people read in logs and tables."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from declnet.components.located_error import custom_error


def _layer_name(name: str) -> str:
    if not name.isprintable() or any(each == "." or each.isspace() for each in name) or not name:
        raise custom_error("name", "must be of letters and other signs, without dots and spaces")
    return name


def _label(name: str) -> str:
    if not name.isprintable() or not name.strip():
        raise custom_error("name", "must be of letters and other signs, in one line")
    return name


LayerName = Annotated[
    str,
    AfterValidator(_layer_name),
    WithJsonSchema({"type": "string", "pattern": r"^[^.\s]+$"}),
]
"""A name without dots and spaces, since dots part it from a parameter's name."""

Label = Annotated[str, AfterValidator(_label), WithJsonSchema({"type": "string", "pattern": r"\S"})]
"""A name in one line."""
