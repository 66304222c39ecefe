"""Asks each component of a run for its own check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from declnet.components.component import Component
from declnet.components.context import LayerContext, RunContext
from declnet.components.data_source import DataInfo
from declnet.components.metric import Better
from declnet.components.returned import checked_diagnostics
from declnet.errors import Diagnostic, KeyPath
from declnet.graph.nodes import Inferred, Node
from declnet.spec.partial import PartialSpec
from declnet.training.checks.data import origin_of


def component_problems(
    spec: PartialSpec,
    infos: Mapping[str, DataInfo],
    inferred: Inferred,
    metrics: Mapping[str, Better | None] | None = None,
) -> list[Diagnostic]:
    """What the components found, each at its place.

    Args:
        metrics: what a row of the history will have; empty if not known.
    """
    layers = _outlined(inferred.nodes)
    complete = tuple(each for each in layers if each is not None)
    context = RunContext(
        complete if len(complete) == len(layers) else (),
        infos,
        spec.loss,
        spec.optimizer,
        metrics=metrics or {},
    )
    problems = []
    for path, component, here in _components(spec, layers):
        for found in checked_diagnostics(component, component.check(replace(context, here=here))):
            guilty: KeyPath = path
            if found.layer is not None and found.layer in layers:
                guilty = ("model", "layers", layers.index(found.layer))
            elif found.data is not None and found.data in spec.data.sources:
                source = spec.data.sources[found.data]
                guilty = ("data", found.data) if found.path else origin_of(source, found.data)
            where = (*guilty, *found.path)
            problems.append(Diagnostic(found.message, found.help, where, found.code))
    return problems


def _components(
    spec: PartialSpec, layers: tuple[LayerContext | None, ...]
) -> Iterator[tuple[KeyPath, Component, LayerContext | None]]:
    named: list[tuple[KeyPath, Component | None]] = [
        *((("data", name), source) for name, source in spec.data.sources.items()),
        (("loss",), spec.loss),
        (("optimizer",), spec.optimizer),
        *((("training", "metrics", each), metric) for each, metric in spec.metrics.items()),
        *((("training", "callbacks", each), other) for each, other in spec.callbacks.items()),
    ]
    for index, (part, here) in enumerate(zip(spec.layers, layers, strict=True)):
        if here is not None and part.layer is not None:
            for path, component in _with_inner(("model", "layers", index), part.layer):
                yield path, component, here
    for path, outer in named:
        if outer is not None:
            for inner_path, component in _with_inner(path, outer):
                yield inner_path, component, None


def _with_inner(path: KeyPath, component: Component) -> Iterator[tuple[KeyPath, Component]]:
    """A component and those in its fields: regularizers, initializers, schedules."""
    yield path, component
    for name in type(component).model_fields:
        value: Any = getattr(component, name)
        if isinstance(value, Component):
            yield from _with_inner((*path, name), value)


def _outlined(nodes: tuple[Node | None, ...]) -> tuple[LayerContext | None, ...]:
    """The nodes as components see them; None where one, or one above it, is not known."""
    outlined: list[LayerContext | None] = []
    for node in nodes:
        above = [outlined[value - 1] if value else None for value in node.inputs] if node else []
        if node is None or any(
            value and each is None for value, each in zip(node.inputs, above, strict=True)
        ):
            outlined.append(None)
        else:
            outlined.append(
                LayerContext(
                    node.name, node.layer, tuple(above), node.input_shapes, node.output_shape
                )
            )
    return tuple(outlined)
