"""Whether initial weights fit the model."""

from __future__ import annotations

from collections.abc import Sequence

from declnet.errors import Diagnostic, WeightsError
from declnet.graph.nodes import Node
from declnet.graph.parameters import check_fit, slots_of
from declnet.graph.weights import read_weight_shapes
from declnet.spec.file_names import from_here, hint_for_missing
from declnet.spec.parts import Parts


def weight_problems(parts: Parts, nodes: Sequence[Node]) -> list[Diagnostic]:
    """What is wrong with `model.initial_weights`; the fit is checked if all nodes are known."""
    if parts.initial_weights is None:
        return []
    try:
        shapes = read_weight_shapes(parts.initial_weights)
        if nodes:
            check_fit(slots_of(nodes), shapes, str(parts.initial_weights))
    except WeightsError as error:
        hint = hint_for_missing(parts.initial_weights)
        return [Diagnostic(from_here(str(error)), hint, ("model", "initial_weights"), "E050")]
    return []
