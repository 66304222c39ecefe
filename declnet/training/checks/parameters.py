"""Checks on parameters: their initializers, the groups of the optimizer, and initial weights."""

from __future__ import annotations

from collections.abc import Sequence

from declnet.contracts.network.parameter_group import ParameterGroup
from declnet.errors import Diagnostic, WeightsError
from declnet.graph.initial_weights import StartingPoint, starting_point
from declnet.graph.parameters import Slot, check_fit, group_of, matches, pattern_hint, slots_of
from declnet.graph.shapes import Node
from declnet.graph.weight_files import read_weight_shapes
from declnet.spec.messages import from_here, hint_for_missing
from declnet.spec.model import InitialWeights
from declnet.spec.partial import PartialSpec


def group_problems(slots: Sequence[Slot], groups: Sequence[ParameterGroup]) -> list[Diagnostic]:
    """Return errors: patterns that match no trainable parameter, groups left with none."""
    trainable = [slot.key for slot in slots if slot.parameter.trainable]
    unmatched = [
        Diagnostic(
            f'no trainable parameter matches "{pattern}"',
            pattern_hint(pattern, trainable),
            ("optimizer", "groups", position, "parameters", place),
            "E028",
        )
        for position, group in enumerate(groups)
        for place, pattern in enumerate(group.parameters)
        if not any(matches(pattern, key) for key in trainable)
    ]
    left = {group_of(key, groups) for key in trainable}
    return unmatched or [
        Diagnostic(
            "every parameter of this group is in a later one",
            "the last group that matches a parameter takes it; put general patterns first",
            ("optimizer", "groups", position, "parameters"),
            "E028",
        )
        for position in range(len(groups))
        if position not in left
    ]


def weight_problems(
    spec: PartialSpec, nodes: Sequence[Node]
) -> tuple[StartingPoint | None, list[Diagnostic]]:
    """Return what is loaded by `model.initial_weights` if it is a part, and the errors in it.

    Names and shapes are compared if all nodes are known.
    """
    initial, path = spec.model.initial_weights, spec.model.weights_path
    if path is None:
        return None, []
    try:
        shapes = read_weight_shapes(path)
        if nodes and isinstance(initial, InitialWeights):
            return starting_point(slots_of(nodes), shapes, initial)
        if nodes:
            check_fit(slots_of(nodes), shapes, str(path))
    except WeightsError as error:
        hint, where = hint_for_missing(path), ("model", "initial_weights")
        inside = ("path",) if isinstance(initial, InitialWeights) else ()
        return None, [Diagnostic(from_here(str(error)), hint, (*where, *inside), "E050")]
    return None, []
