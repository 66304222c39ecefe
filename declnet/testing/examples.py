"""Builds the instances of a component class that the kit looks at."""

from __future__ import annotations

from itertools import product
from typing import Any

from pydantic import ValidationError

from declnet.components.component import Component
from declnet.registry.registry import Registry
from declnet.testing.failures import CheckFailed
from declnet.testing.subjects import registry_with

DECLARE_EXAMPLES = "it cannot be built from its defaults; declare examples of its fields"


def build_examples(cls: type[Any], registry: Registry | None = None) -> tuple[Any, ...]:
    """Instances of a class: of its `examples`, else one of its defaults, else none.

    A fusion without examples is built of the instances of the layer and the loss that it joins; a
    kernel of all instances of what it replaces, beside those of its own examples.

    Args:
        cls: the component class.
        registry: where components that an example names are looked up; default: all installed.

    Raises:
        CheckFailed: an example is not valid.
    """
    registry = registry or registry_with([cls])
    own = tuple(
        build_example(cls, table, position, registry) for position, table in enumerate(cls.examples)
    )
    if own and cls.kind != "kernel":
        return own
    tables: list[dict[str, Any]] = [{}]
    if cls.kind == "fusion":
        layers, losses = (_parts(cls, name, registry) for name in ("layer", "loss"))
        tables = [{"layer": layer, "loss": loss} for layer, loss in product(layers[:2], losses[:2])]
    if cls.kind == "kernel":
        parts = [_parts(cls, name, registry) for name in cls.model_fields]
        tables = [dict(zip(cls.model_fields, each, strict=True)) for each in product(*parts)]
    try:
        return own + tuple(
            cls.model_validate(table, context={"registry": registry}) for table in tables
        )
    except ValidationError:
        return ()


def build_example(
    cls: type[Any], table: dict[str, Any], position: int, registry: Registry
) -> Component:
    """The instance of one of a class's examples; raises CheckFailed if it is not valid."""
    try:
        component: Component = cls.model_validate(dict(table), context={"registry": registry})
    except Exception as error:
        raise CheckFailed(f"examples[{position}] = {table!r} does not build it: {error}") from error
    return component


def _parts(fusion: type[Any], name: str, registry: Registry) -> tuple[Any, ...]:
    part = fusion.model_fields[name].annotation
    built = isinstance(part, type) and issubclass(part, Component) and not part.is_contract()
    return build_examples(part, registry) if built else ()
