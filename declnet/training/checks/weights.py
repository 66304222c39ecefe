"""Whether initial weights fit the model."""

from __future__ import annotations

from collections.abc import Sequence

from declnet.errors import Diagnostic, WeightsError
from declnet.graph.nodes import Node
from declnet.graph.parameters import check_fit, slots_of
from declnet.graph.weights import read_weight_shapes
from declnet.spec.messages import from_here, hint_for_missing
from declnet.spec.partial import PartialSpec


def weight_problems(spec: PartialSpec, nodes: Sequence[Node]) -> list[Diagnostic]:
    """What is wrong with `model.initial_weights`; the fit is checked if all nodes are known."""
    if spec.model.initial_weights is None:
        return []
    try:
        shapes = read_weight_shapes(spec.model.initial_weights)
        if nodes:
            check_fit(slots_of(nodes), shapes, str(spec.model.initial_weights))
    except WeightsError as error:
        hint = hint_for_missing(spec.model.initial_weights)
        return [Diagnostic(from_here(str(error)), hint, ("model", "initial_weights"), "E050")]
    return []
