"""Layers and losses that a hint can suggest: installed ones, found by their traits.

To search is to import them all, so ask only where there is something to report.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from declnet.components.loss import Loss
from declnet.components.output_range import OutputRange
from declnet.registry.plugin import FIRST_PARTY, normalized
from declnet.registry.registry import Entry, Registry


def loss_for(given: OutputRange, registry: Registry) -> type[Loss] | None:
    """Return a loss for class labels that takes such outputs; None if no loss is known to."""
    takes = given_to_loss(given)
    targets = {"distribution": "classes", "probabilities": "binary"}.get(takes)
    losses = registry.entries("loss") if targets is not None else ()
    return _best(
        each
        for each in losses
        if (each.component.takes, each.component.targets) == (takes, targets)
    )


def layer_for(loss: type[Loss], registry: Registry) -> str | None:
    """Return the type of a last layer that gives what a loss takes; None if none is known.

    A layer that a kernel joins with the loss is preferred to all others.
    """
    joined = frozenset(
        replaced[-2]
        for replaced in (each.component.replaces for each in registry.entries("kernel"))
        if len(replaced) > 1 and replaced[-1] is loss
    )
    layers = (
        each
        for each in registry.entries("layer")
        if isinstance(each.component.output_range, OutputRange)
        and given_to_loss(each.component.output_range) == loss.takes
    )
    layer = _best(layers, joined)
    return layer.type if layer is not None else None


def rectifier(registry: Registry) -> str | None:
    """Return the type of an activation to put between two layers; None if none is known."""
    layers = (
        each
        for each in registry.entries("layer")
        if each.component.output_range == OutputRange(low=0) and not each.component.is_linear
    )
    layer = _best(layers)
    return layer.type if layer is not None else None


def given_to_loss(given: OutputRange) -> str:
    """Return which `Loss.takes` such outputs are made for."""
    if given.sums_to_one:
        return "distribution"
    return "probabilities" if given.is_probability else "values"


def _best(entries: Iterable[Entry], joined: frozenset[Any] = frozenset()) -> type[Any] | None:
    """The class to suggest: of the joined ones, usable by its name alone, declnet's own, short."""

    def rank(entry: Entry) -> tuple[bool, bool, bool, int, str]:
        fields = entry.component.model_fields.values()
        return (
            entry.component not in joined,
            any(each.is_required() for each in fields),
            normalized(entry.plugin.distribution) != FIRST_PARTY,
            len(entry.type),
            entry.type,
        )

    best = min(entries, key=rank, default=None)
    return best.component if best is not None else None
