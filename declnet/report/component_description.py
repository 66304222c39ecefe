"""What there is to say of a component: for `declnet plugins show` and for the docs."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from declnet.components.component import Component
from declnet.registry.registry import Entry
from declnet.report.field_description import FieldDescription, describe_field
from declnet.report.toml_example import toml_example

NOT_IN_SPECS = ("kernel", "template")
"""Kinds of components that no spec names, so that they have no example in TOML."""


@dataclass(frozen=True)
class ComponentDescription:
    """A component, as text.

    Attributes:
        summary: the class's docstring, with the equation.
        fields: its own keys first, then those of its contract.
        traits: what its contract lets it declare, e.g. inputs of a layer.
        parameters: of a layer, for an input shape that it accepts: shapes by name.
        source: the file that defines it.
        examples: tables in TOML.
    """

    kind: str
    type: str
    class_name: str
    summary: str
    fields: tuple[FieldDescription, ...]
    traits: dict[str, str]
    parameters: dict[str, str]
    plugin: str
    source: str
    examples: tuple[str, ...]


def describe(entry: Entry) -> ComponentDescription:
    """Describes a registered component; raises what its import raises."""
    component: type[Component] = entry.component
    contract: Any = next(base for base in component.__mro__ if "kind" in vars(base))
    inherited = set(contract.model_fields)
    fields = sorted(component.model_fields.items(), key=lambda each: each[0] in inherited)
    return ComponentDescription(
        kind=entry.kind,
        type=entry.type,
        class_name=f"{component.__module__}.{component.__qualname__}",
        summary=inspect.getdoc(component) or "",
        fields=tuple(describe_field(name, field) for name, field in fields),
        traits=_traits(component),
        parameters=_parameters(component),
        plugin=str(entry.plugin),
        source=_source(component),
        examples=_examples(component),
    )


def _traits(component: type[Component]) -> dict[str, str]:
    traits = {}
    if component.kind == "layer":
        count = component.n_inputs  # type: ignore[attr-defined]
        traits["inputs"] = "any number" if count is None else str(count)
        traits["input type"] = component.input_dtype  # type: ignore[attr-defined]
    if component.kind == "loss":
        traits["targets"] = component.targets  # type: ignore[attr-defined]
    if component.kind == "data_source" and component.suffixes:  # type: ignore[attr-defined]
        traits["reads"] = ", ".join(component.suffixes)  # type: ignore[attr-defined]
    if component.kind == "fusion":
        joined = (component.model_fields[name].annotation for name in ("layer", "loss"))
        traits["joins"] = " and ".join(getattr(each, "type", str(each)) for each in joined)
    return traits


def _parameters(component: type[Component]) -> dict[str, str]:
    """Shapes of a layer's parameters, for the first example and a shape that suits it."""
    if component.kind != "layer":
        return {}
    tables = component.examples or ({},)
    shapes = component.example_shapes or ((4,), (3, 8, 8))  # type: ignore[attr-defined]
    for shape in shapes:
        try:
            parameters = component.model_validate(tables[0]).parameters(shape)  # type: ignore[attr-defined]
        except (ValueError, TypeError, IndexError):
            continue
        if parameters:
            named = (f"{name} {each.shape}" for name, each in parameters.items())
            return {f"parameters for samples of shape {shape}": ", ".join(named)}
    return {"parameters": "none"}


def _source(component: type[Component]) -> str:
    try:
        return inspect.getsourcefile(component) or ""
    except TypeError:
        return ""


def _examples(component: type[Component]) -> tuple[str, ...]:
    if component.kind in NOT_IN_SPECS:
        return ()
    required = [name for name, field in component.model_fields.items() if field.is_required()]
    tables = component.examples or (() if required else ({},))
    return tuple(toml_example(component.kind, component.type, table) for table in tables)
