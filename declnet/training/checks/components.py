"""The components' own checks, what they see of the run, and the ranges of their schedules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from declnet.contracts.component import Component
from declnet.contracts.context import LayerContext, RunContext
from declnet.contracts.network.parameter import ParameterInfo
from declnet.contracts.network.schedule import rate_at, schedules_of
from declnet.contracts.returned import verified
from declnet.contracts.runs.callback import Callback
from declnet.data.replacing import column_names
from declnet.errors import Diagnostic, KeyPath
from declnet.graph.parameters import group_of, slots_of
from declnet.graph.shapes import Node
from declnet.training.checks.context import CheckContext, CheckedHead


def component_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield the diagnostics from the components' own checks, located in the spec."""
    spec, layers = context.spec, _outlined(context.inferred.nodes)
    run, runs = _contexts(context, layers)
    groups = spec.optimizer.groups if spec.optimizer is not None else ()
    updated: dict[KeyPath, list[ParameterInfo]] = {}
    for slot in slots_of(context.nodes, groups):
        if slot.is_trained():
            group = group_of(slot.key, groups)
            place: KeyPath = ("optimizer",) if group < 0 else ("optimizer", "groups", group)
            updated.setdefault(place, []).append(slot.info)
    for path, component in spec.components():
        is_layer = path[:2] == ("model", "layers")
        here = layers[int(path[2])] if is_layer else None
        if is_layer and here is None:
            continue  # what it reads is unknown
        seen = runs.get(path) or runs.get(path[:-1]) or run
        seen = replace(seen, here=here, parameters=tuple(updated.get(path, ())))
        inherits = path[:2] == ("optimizer", "groups") and not groups[int(path[2])].has_own_rate
        for problem in verified(Component.check, component, seen):
            if inherits and problem.severity == "warning":
                continue  # it is about a rate that the optimizer has too
            outer: KeyPath = path
            if problem.layer is not None and problem.layer in layers:
                outer = ("model", "layers", layers.index(problem.layer))
            elif problem.data is not None and problem.data in spec.data.sources:
                name = problem.data
                outer = ("data", name) if problem.path else spec.data.origin_of(name)
            at = (*outer, *problem.path)
            yield Diagnostic(problem.message, problem.help, at, problem.code)


def _contexts(
    context: CheckContext, layers: Sequence[LayerContext | None]
) -> tuple[RunContext, dict[KeyPath, RunContext]]:
    """Return what components see of the run, and what losses and metrics do, by their paths."""
    known = tuple(filter(None, layers))
    known = known if len(known) == len(layers) else ()
    ends = [_output(head, layers) if known else () for head in context.heads]
    loaded = context.described.loaded
    run = RunContext(
        known,
        context.infos,
        context.heads[0].part.loss if len(context.heads) == 1 else None,
        context.spec.optimizer,
        epochs=context.epochs,
        metrics=context.metrics,
        outputs=tuple(dict.fromkeys(chain(*ends))),
        callbacks=tuple(context.spec.callbacks.values()),
        columns=column_names(loaded) if loaded is not None else (),
    )
    runs: dict[KeyPath, RunContext] = {}
    for head, outputs in zip(context.heads, ends, strict=True):
        part = head.part
        of_head = replace(run, data=head.infos, loss=part.loss, outputs=outputs)
        if not outputs:  # its output is unknown
            of_head = replace(of_head, layers=())
        runs |= dict.fromkeys((part.path, part.metrics_path, part.calibration_path), of_head)
    return run, runs


def _output(head: CheckedHead, layers: Sequence[LayerContext | None]) -> tuple[LayerContext, ...]:
    """Return the output of a loss as components see it, if it is known."""
    layer = layers[len(head.nodes) - 1] if head.nodes else None
    return () if layer is None else (layer,)


def evaluated_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield an error for each callback that is not alone in saying what is evaluated."""
    deciding = context.spec.deciding_evaluated()
    for path, component in deciding[1:]:
        if isinstance(component, Callback):
            first = deciding[0][1].type
            message = f"{first} and {component.type} both replace the parameters that are evaluated"
            yield Diagnostic(message, f"remove {component.type}", path, "E017")


def _outlined(nodes: tuple[Node | None, ...]) -> tuple[LayerContext | None, ...]:
    """Return the layers as components see them; None for those that are not completely known."""
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


UNKNOWN = 1000
"""Updates of a training of unknown length, for schedules, which usually depend on its share."""

TRIED = 200
"""Steps of a schedule to try, besides as many first ones."""


def schedule_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield an error for each schedule that leaves the range of its field at some step."""
    training, samples = context.spec.training, context.train.samples if context.train else None
    is_known = training.most_epochs is not None
    total = training.updates(samples) if samples and is_known else UNKNOWN
    for path, component in context.spec.components():
        if path[:2] == ("optimizer", "groups"):
            continue  # a group inherits the schedules of the optimizer
        ranges = component.scheduled_fields()
        for name, schedule in schedules_of(component).items():
            for step in _steps(total):
                value = rate_at(schedule, step, total)
                if not ranges[name].contains(value):
                    message = (
                        f'"{name}" must be {ranges[name].in_words()}, but its schedule gives '
                        f"{value:.6g} at step {step} of {total}"
                    )
                    yield Diagnostic(message, None, (*path, name), "E013")
                    break


def _steps(total: int) -> list[int]:
    """Return the steps to try, in order: the first ones, and some up to the last."""
    first = range(1, min(total, TRIED) + 1)
    return sorted({*first, *(1 + (total - 1) * part // TRIED for part in range(TRIED + 1))})
