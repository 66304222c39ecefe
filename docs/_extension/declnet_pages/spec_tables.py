"""The keys of each section of a spec, from the models that validate it."""

from __future__ import annotations

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from declnet import CalibrationSpec, DataSpec, EngineSpec, ModelSpec, RunSpec, TrainingSpec
from declnet.inspection.plugins.descriptions import describe_field
from declnet.spec.data_section import SplitSpec
from declnet.spec.document.blocks import Block
from declnet_pages.component_pages import field_row
from declnet_pages.markdown import table

SECTIONS: dict[str, type[BaseModel]] = {
    "run": RunSpec,
    "data": DataSpec,
    "model": ModelSpec,
    "training": TrainingSpec,
    "calibration": CalibrationSpec,
    "engine": EngineSpec,
    "block": Block,
}
"""The sections, each with its model; `run` is the top level of a spec, `block` a list's item."""


def spec_tables() -> dict[str, str]:
    """Return a table of keys for each section, by section name."""
    return {
        name: table(
            ("key", "type", "default", "range", ""),
            [_row(key, field) for key, field in model.model_fields.items()],
        )
        for name, model in SECTIONS.items()
    }


def _row(key: str, field: FieldInfo) -> tuple[str, str, str, str, str]:
    """Return a key's row; a key that holds a section refers to it."""
    name, kind, default, bounds, description = field_row(describe_field(key, field))
    if field.annotation in SECTIONS.values():
        kind, description = "table", f"the section `[{key}]`, below"
        default = "required" if field.is_required() else "empty"
    elif isinstance(field.annotation, type) and issubclass(field.annotation, SplitSpec):
        kind, default = "table", "empty"
    if not description and field.annotation is not None:
        description = "a component: a name, or a table with a `type`"
    kind = kind.replace("list of Anys", "list of layers and blocks")
    if default == "`()`":
        default = "`[]`"
    return name, kind, default, bounds, description
