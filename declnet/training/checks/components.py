"""The components' own checks, and what they see of the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from declnet.contracts.component import Component
from declnet.contracts.context import LayerContext, RunContext
from declnet.contracts.data.data_source import DataInfo
from declnet.contracts.network.metric_names import Better
from declnet.contracts.network.parameter import ParameterInfo
from declnet.contracts.returned import verified
from declnet.errors import Diagnostic, KeyPath
from declnet.graph.parameters import group_of, slots_of
from declnet.graph.shapes import Inferred, Node
from declnet.spec.model import TrainingSpec
from declnet.spec.partial import PartialSpec
from declnet.training.checks.data import origin_of
from declnet.training.checks.heads import CheckedHead


def component_problems(
    spec: PartialSpec,
    heads: Sequence[CheckedHead],
    infos: Mapping[str, DataInfo],
    inferred: Inferred,
    metrics: Mapping[str, Better | None],
    columns: tuple[str, ...] = (),
) -> list[Diagnostic]:
    """Return the diagnostics from the components' own checks, located in the spec.

    Args:
        metrics: the metrics in a row of the history; empty if unknown.
        columns: the raw columns of the training data; empty if unknown.
    """
    layers = _outlined(inferred.nodes)
    complete = tuple(layer for layer in layers if layer is not None)
    known = complete if len(complete) == len(layers) else ()
    context, contexts = _contexts(spec, heads, infos, known, layers, metrics, columns)
    groups = spec.optimizer.groups if spec.optimizer is not None else ()
    updated: dict[KeyPath, list[ParameterInfo]] = {}
    for slot in slots_of(inferred.complete, groups):
        if slot.is_trained():
            group = group_of(slot.key, groups)
            place: KeyPath = ("optimizer",) if group < 0 else ("optimizer", "groups", group)
            updated.setdefault(place, []).append(slot.info)
    problems = []
    for path, component, here in _components(spec, layers):
        found_at = contexts.get(path) or contexts.get(path[:-1]) or context
        own = replace(found_at, here=here, parameters=tuple(updated.get(path, ())))
        again = path[:2] == ("optimizer", "groups") and not groups[int(path[2])].has_own_rate
        for found in verified(Component.check, component, own):
            if again and found.severity == "warning":
                continue  # it is about what the group inherits
            guilty: KeyPath = path
            if found.layer is not None and found.layer in layers:
                guilty = ("model", "layers", layers.index(found.layer))
            elif found.data is not None and found.data in spec.data.sources:
                source = spec.data.sources[found.data]
                guilty = ("data", found.data) if found.path else origin_of(source, found.data)
            where = (*guilty, *found.path)
            problems.append(Diagnostic(found.message, found.help, where, found.code))
    return problems


def known_epochs(training: TrainingSpec, infos: Mapping[str, DataInfo]) -> int | None:
    """Return the number of epochs as declared, or else by the number of updates, if known."""
    samples = infos["train"].samples if "train" in infos else None
    if training.epochs is None and training.max_steps is not None and samples:
        return training.started_epochs(samples)
    return training.epochs


def _contexts(
    spec: PartialSpec,
    heads: Sequence[CheckedHead],
    infos: Mapping[str, DataInfo],
    known: tuple[LayerContext, ...],
    layers: Sequence[LayerContext | None],
    metrics: Mapping[str, Better | None],
    columns: tuple[str, ...],
) -> tuple[RunContext, dict[KeyPath, RunContext]]:
    """Return what components see of the run, and what losses and metrics do, by their paths."""
    ends = [_output(each, layers) if known else () for each in heads]
    context = RunContext(
        known,
        infos,
        heads[0].part.loss if len(heads) == 1 else None,
        spec.optimizer,
        epochs=known_epochs(spec.training, infos),
        metrics=metrics,
        outputs=tuple(dict.fromkeys(each for own in ends for each in own)),
        callbacks=tuple(spec.callbacks.values()),
        columns=columns,
    )
    contexts: dict[KeyPath, RunContext] = {}
    for head, own in zip(heads, ends, strict=True):
        of_head = replace(context, data=head.infos, loss=head.part.loss, outputs=own)
        if not own:  # its output is unknown
            of_head = replace(of_head, layers=())
        part = head.part
        contexts |= dict.fromkeys((part.path, part.metrics_path, part.calibration_path), of_head)
    return context, contexts


def _output(head: CheckedHead, layers: Sequence[LayerContext | None]) -> tuple[LayerContext, ...]:
    """Return the output of a loss as components see it, if it is known."""
    found = layers[len(head.nodes) - 1] if head.nodes else None
    return () if found is None else (found,)


def _components(
    spec: PartialSpec, layers: tuple[LayerContext | None, ...]
) -> Iterator[tuple[KeyPath, Component, LayerContext | None]]:
    named: list[tuple[KeyPath, Component | None]] = [
        *((("data", name), source) for name, source in spec.data.sources.items()),
        *((head.path, head.loss) for head in spec.heads),
        (("optimizer",), spec.optimizer),
        *(
            ((*head.metrics_path, position), metric)
            for head in spec.heads
            for position, metric in head.metrics.items()
        ),
        *(
            ((*head.calibration_path, position), step)
            for head in spec.heads
            for position, step in head.calibration.items()
        ),
        *((("training", "callbacks", each), other) for each, other in spec.callbacks.items()),
        *((("analyses", each), other) for each, other in spec.analyses.items()),
    ]
    for index, (part, here) in enumerate(zip(spec.layers, layers, strict=True)):
        if here is not None and part.layer is not None:
            for path, component in _with_inner(("model", "layers", index), part.layer):
                yield path, component, here
    for path, outer in named:
        if outer is not None:
            for inner_path, component in _with_inner(path, outer):
                yield inner_path, component, None
    for position, group in enumerate(spec.optimizer.groups if spec.optimizer is not None else ()):
        place = ("optimizer", "groups", position)
        for inner_path, component in _with_inner(place, group.optimizer):
            yield inner_path, component, None


def _with_inner(path: KeyPath, component: Component) -> Iterator[tuple[KeyPath, Component]]:
    """Yield a component and those in its fields: regularizers, initializers, schedules."""
    yield path, component
    for name in type(component).model_fields:
        value: Any = getattr(component, name)
        if isinstance(value, Component):
            yield from _with_inner((*path, name), value)


def _outlined(nodes: tuple[Node | None, ...]) -> tuple[LayerContext | None, ...]:
    """Return the nodes as components see them; None if one, or one before it, is unknown."""
    outlined: list[LayerContext | None] = []
    for node in nodes:
        if node is None or any(value and outlined[value - 1] is None for value in node.inputs):
            outlined.append(None)
            continue
        above = tuple(outlined[value - 1] if value else None for value in node.inputs)
        outlined.append(
            LayerContext(node.name, node.layer, above, node.input_shapes, node.output_shape)
        )
    return tuple(outlined)
