"""Descriptions of components, and the tables of components and broken plugins."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from operator import attrgetter
from pathlib import Path
from textwrap import indent
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import tomli_w
from pydantic.fields import FieldInfo

from declnet import (
    Component,
    DataSource,
    Layer,
    Loss,
    Registry,
    ResultTable,
    alternatives,
    print_document,
    print_line,
    print_table,
)

_TYPE_NAMES = {
    int: "integer",
    float: "number",
    bool: "true or false",
    str: "string",
    dict: "table",
    Path: "path",
}
_SIGNS = {
    "gt": ">",
    "ge": ">=",
    "lt": "<",
    "le": "<=",
    "above": ">",
    "minimum": ">=",
    "below": "<",
    "maximum": "<=",
    "min_length": "length >=",
    "max_length": "length <=",
}


@dataclass(frozen=True)
class FieldDescription:
    """A key of a table, as text; `default` is `"required"` if there is no default."""

    name: str
    type: str
    default: str
    range: str
    description: str


def describe_field(name: str, field: FieldInfo) -> FieldDescription:
    """Describe a field of a pydantic model."""
    return FieldDescription(
        name=name,
        type=_type_name(field.annotation),
        default="required" if field.is_required() else _default_text(_default(field)),
        range=", ".join(_bounds(field.metadata)),
        description=field.description or "",
    )


def _type_name(annotation: Any) -> str:
    """Return a type in plain words, e.g. `number or schedule`, `list of integers`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        members = (argument for argument in arguments if argument is not NoneType)
        return alternatives(map(_type_name, members))
    if origin is Literal:
        return alternatives(f'"{argument}"' for argument in arguments)
    if origin in (tuple, list, Annotated):
        inner = _type_name(arguments[0])
        return inner if origin is Annotated else f"list of {inner}s"
    if isinstance(annotation, type) and issubclass(annotation, Component):
        suffix = "" if annotation.is_contract() else f' "{annotation.type}"'
        return annotation.kind + suffix
    return _TYPE_NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _bounds(metadata: list[Any]) -> Iterator[str]:
    """Yield the ranges in a field's metadata, of annotated-types or of `float | Contract`."""
    for constraint in metadata:
        for attribute, sign in _SIGNS.items():
            bound = getattr(constraint, attribute, None)
            if bound is not None and abs(bound) < sys.float_info.max:
                yield f"{sign} {bound}" if isinstance(bound, int) else f"{sign} {bound:g}"


def _default(field: FieldInfo) -> Any:
    """Return a field's default, including one that is created for each instance."""
    if field.default_factory_takes_validated_data:
        return "computed"
    return field.get_default(call_default_factory=True)


def _default_text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, Component):
        table = value.model_dump(mode="json", exclude_defaults=True)
        return _inline(table) if len(table) > 1 else value.type
    if isinstance(value, bool | list | tuple | Mapping):
        return _inline(value)
    return str(value)


_HEADINGS = {"layer": "[[model.layers]]", "loss": "[loss]", "optimizer": "[optimizer]"}

_NOT_IN_SPECS = ("kernel", "template")
"""Kinds of components that specs never name, so they have no example in TOML."""


def _examples(component: type[Component]) -> Iterator[str]:
    """Yield the examples in TOML: sections if a spec has one for the kind, else inline tables."""
    if component.kind in _NOT_IN_SPECS:
        return
    required = any(field.is_required() for field in component.model_fields.values())
    for fields in component.examples or (() if required else ({},)):
        table = {"type": component.type, **fields}
        if component.kind in _HEADINGS:
            lines = (f"{key} = {_inline(value)}" for key, value in table.items())
            yield "\n".join([_HEADINGS[component.kind], *lines])
        else:
            yield _inline(table)


def _inline(value: Any) -> str:
    """Return a TOML value on one line."""
    if isinstance(value, Mapping) and not value:
        return "{}"
    if isinstance(value, Mapping):
        items = (f"{tomli_w.dumps({key: 0})[:-2]}{_inline(item)}" for key, item in value.items())
        return "{ " + ", ".join(items) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return tomli_w.dumps({"value": value}).removeprefix("value = ").strip()


@dataclass(frozen=True)
class ComponentDescription:
    """A component, as text.

    Attributes:
        summary: the class's docstring, with the equation.
        fields: the keys that the class adds to its contract's, then those of the contract.
        traits: declarations that its contract asks for, e.g. a layer's number of inputs.
        parameters: a layer's parameters with their shapes, for an input shape that it accepts.
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


def describe(component: type[Component], plugin: str) -> ComponentDescription:
    """Describe a component that a plugin registered."""
    inherited = component.contract().model_fields
    fields = sorted(
        component.model_fields.items(),
        key=lambda item: (item[0] in inherited, not item[1].is_required()),
    )
    try:
        source = inspect.getsourcefile(component) or ""
    except TypeError:
        source = ""
    return ComponentDescription(
        kind=component.kind,
        type=component.type,
        class_name=f"{component.__module__}.{component.__qualname__}",
        summary=inspect.getdoc(component) or "",
        fields=tuple(describe_field(name, field) for name, field in fields),
        traits=_traits(component),
        parameters=_parameters(component),
        plugin=plugin,
        source=source,
        examples=tuple(_examples(component)),
    )


def _traits(component: type[Component]) -> dict[str, str]:
    traits = {}
    if issubclass(component, Layer):
        count, dtype = component.n_inputs, component.input_dtype
        traits["inputs"] = "any number" if count is None else str(count)
        traits["input type"] = dtype if isinstance(dtype, str) else ", then ".join(dtype)
    if issubclass(component, Loss):
        traits["targets"] = component.targets
    if issubclass(component, DataSource):
        formats = [*component.suffixes]
        formats += ["folders"] if component.reads_folders else []
        formats += [f"lists in {suffix}" for suffix in component.list_suffixes]
        if formats:
            traits["reads"] = ", ".join(formats)
    return traits


def _parameters(component: type[Component]) -> dict[str, str]:
    """Return the shapes of a layer's parameters, for its first example and a suitable shape."""
    if not issubclass(component, Layer):
        return {}
    example, *_ = component.examples or ({},)
    for shape in component.example_shapes or ((4,), (3, 8, 8)):
        try:
            parameters = component.model_validate(example).parameters(shape)
        except (ValueError, TypeError, IndexError):
            continue
        if parameters:
            shapes = (f"{name} {parameter.shape}" for name, parameter in parameters.items())
            return {f"parameters for samples of shape {shape}": ", ".join(shapes)}
    return {"parameters": "none"}


def print_component(component: ComponentDescription) -> None:
    """Print a component's kind, docstring, fields, traits, origin, and examples in TOML."""
    print_line(f'{component.kind} "{component.type}"')
    print_document(f"\n{component.summary}\n\n")
    if component.fields:
        columns = ("field", "type", "default", "range", "description")
        print_table(ResultTable("", columns, tuple(map(astuple, component.fields))))
    origin = {"class": component.class_name, "plugin": component.plugin, "source": component.source}
    for name, value in (component.traits | component.parameters | origin).items():
        print_line(f"{name}: {value}")
    for example in component.examples:
        print_document(f"\nexample:\n{indent(example, '    ')}\n")


_origin = attrgetter("name", "distribution", "version")


def print_plugins(registry: Registry) -> None:
    """Print a row for each component, by kind, then a row for each conflict and failure."""
    rows = [(entry.kind, entry.type, *_origin(entry.plugin)) for entry in registry.offers()]
    origin = ("plugin", "distribution", "version")
    print_table(ResultTable("", ("kind", "type", *origin), tuple(rows)))
    conflicts = [
        (
            conflict.kind,
            conflict.type,
            ", ".join(plugin.origin for plugin in conflict.plugins),
            conflict.chosen.origin if conflict.chosen is not None else "none: it must list one",
        )
        for conflict in registry.conflicts()
    ]
    if conflicts:
        title = "warning: several distributions offer one type; `plugins` in a spec decides"
        columns = ("kind", "type", "offered by", "a spec gets by default")
        print_table(ResultTable(title, columns, tuple(conflicts)))
    if registry.disabled:
        disabled = tuple(map(_origin, registry.disabled))
        print_table(ResultTable("disabled plugins", origin, disabled))
    if registry.failures:
        broken = tuple((*_origin(failure.plugin), failure.cause) for failure in registry.failures)
        print_table(ResultTable("broken plugins", (*origin, "cause"), broken))
