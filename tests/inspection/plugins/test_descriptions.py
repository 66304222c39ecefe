"""Descriptions of the keys of components."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from declnet import Layer, Schedule, Scheduled
from declnet.inspection.plugins.descriptions import describe_field


class Example(BaseModel):
    """Keys of every form."""

    count: int = Field(gt=0, le=9, description="How many.")
    wide: float = Field(1e-08, ge=-1.7976931348623157e308, lt=0.5)
    rate: Annotated[float | Schedule, Scheduled(gt=0)] = 0.1
    mode: Literal["a", "b", "c"] = "a"
    sizes: tuple[Annotated[int, Field(ge=1)], ...] = Field((3, 4), min_length=1)
    flag: bool | None = None
    on: bool = True
    path: Path | str | dict = Field(default_factory=dict)
    layer: Layer | None = None


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("count", ("integer", "required", "> 0, <= 9", "How many.")),
        ("wide", ("number", "1e-08", "< 0.5", "")),
        ("rate", ("number or schedule", "0.1", "> 0", "")),
        ("mode", ('"a", "b" or "c"', "a", "", "")),
        ("sizes", ("list of integers", "[3, 4]", "length >= 1", "")),
        ("flag", ("true or false", "none", "", "")),
        ("on", ("true or false", "true", "", "")),
        ("path", ("path, string or table", "{}", "", "")),
        ("layer", ("layer", "none", "", "")),
    ],
)
def test_a_key_is_described_by_type_default_and_range(name, texts):
    field = describe_field(name, Example.model_fields[name])
    assert (field.name, field.type, field.default, field.range, field.description) == (name, *texts)
