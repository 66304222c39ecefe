"""Which figures a run's history will have."""

from __future__ import annotations

from collections.abc import Iterable

from declnet.errors import Diagnostic
from declnet.spec.parts import Parts

LOSSES = ("loss", "data_loss", "regularization_loss")


def figures_of(
    parts: Parts, data_sets: Iterable[str], problems: Iterable[Diagnostic]
) -> tuple[str, ...]:
    """The names in a row of the history but for `epoch`; empty if they are not all known.

    Args:
        parts: the run's, of which the metrics are needed.
        data_sets: the names of those that there are.
        problems: faults of the spec so far; those of data and metrics leave names unknown.
    """
    unknown = (("data",), ("training", "metrics"))
    if any(each.path[: len(path)] == path for each in problems for path in unknown):
        return ()
    own = (*LOSSES, *(metric.label for _, metric in sorted(parts.metrics.items())))
    validated = "validation" in {*data_sets, *parts.sources, *parts.held_out}
    return (*own, "learning_rate", *(f"validation_{name}" for name in own if validated))
