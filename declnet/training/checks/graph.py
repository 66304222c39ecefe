"""Checks on what the graph makes of the model: parameters, initial weights, memory, engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from declnet.errors import Diagnostic, KeyPath
from declnet.graph.initializers import initializer_problems
from declnet.graph.kernels import engine_problem, engine_warnings
from declnet.graph.parameters import group_of, matches, pattern_hint, slots_of
from declnet.training.checks.context import CheckContext
from declnet.training.memory import too_large


def unusable_initializers(context: CheckContext) -> Iterable[Diagnostic]:
    """Return the errors in initializers that layers name themselves, and shapes they reject."""
    return initializer_problems(context.nodes, context.registry)


def group_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield patterns that match no trainable parameter, or groups left with none."""
    optimizer = context.spec.optimizer if context.nodes else None
    groups = optimizer.groups if optimizer is not None else ()
    trainable = [slot.key for slot in slots_of(context.nodes) if slot.parameter.trainable]
    used = {group_of(key, groups) for key in trainable}
    at: KeyPath
    for position, group in enumerate(groups):
        for place, pattern in enumerate(group.parameters):
            if not any(matches(pattern, key) for key in trainable):
                message = f'no trainable parameter matches "{pattern}"'
                hint = pattern_hint(pattern, trainable)
                at = ("optimizer", "groups", position, "parameters", place)
                yield Diagnostic(message, hint, at, "E028")
    for position in range(len(groups)):
        if position not in used and not context.has_error(("optimizer", "groups"), "E028"):
            message = "every parameter of this group is in a later one"
            hint = "the last group that matches a parameter takes it; put general patterns first"
            at = ("optimizer", "groups", position, "parameters")
            yield Diagnostic(message, hint, at, "E028")


def unusable_weights(context: CheckContext) -> Iterable[Diagnostic]:
    """Return the errors in the file of the initial weights, and in what is loaded from it."""
    _, problems = context.initial_weights
    return problems


def memory_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield an error if the run needs more memory than the machine has."""
    problem = too_large(context.memory)
    if problem is not None:
        yield problem


def engine_problems(context: CheckContext) -> Iterator[Diagnostic]:
    """Yield an error in the engine, and a warning for each of its keys without effect."""
    problem = engine_problem(context.spec.engine, context.registry)
    if problem is not None:
        yield problem
    yield from engine_warnings(context.spec.engine)
