"""The error for a loss that is NaN or infinite, with its cause."""

from __future__ import annotations

from declnet.contracts.attribution import broken_contract
from declnet.contracts.returned import BrokenContractError
from declnet.errors import DivergenceError
from declnet.registry.registry import Registry
from declnet.training.culprits import LARGE, Culprit

GROWN = 2.0
"""How much larger the largest parameter is than at first if the training has made it grow."""

RATE = "a smaller learning_rate often helps"


def divergence(
    epoch: int,
    loss: float,
    culprit: Culprit | None,
    registry: Registry,
    at_first: float | None = None,
) -> DivergenceError:
    """Return the error for a loss that is not finite.

    Args:
        epoch: the epoch whose forward pass, or whose update before an evaluation, gave that loss.
        culprit: what made a value non-finite; None if that is unknown.
        registry: knows the components' plugins.
        at_first: the largest number among the parameters when the training began; default: that
            before the step.
    """
    why, layer = "repeating the last steps did not show why", None
    if culprit is not None:
        layer, at_first = culprit.layer, culprit.largest if at_first is None else at_first
        why = _cause(culprit, registry, at_first)
    return DivergenceError(f"epoch {epoch}: the loss is {loss}: {why}", epoch, layer)


def _cause(culprit: Culprit, registry: Registry, at_first: float) -> str:
    """Describe what made a value non-finite, and what to do about it."""
    what, component, largest = culprit.what, culprit.component, culprit.largest
    if component is None and not culprit.overflowed:
        return f"{what} is {culprit.values}"
    fault = f"made {what} {culprit.values}, from finite values"
    if culprit.overflowed:
        fault = f"overflowed: it made {what} {culprit.values}"
    if component is None:
        cause = f"{what} overflowed"
    else:
        cause = broken_contract(BrokenContractError(component, culprit.method, fault), registry)
    if not culprit.overflowed:
        return cause
    if culprit.in_data >= LARGE:
        return f"{cause}; the batch has numbers up to {culprit.in_data:.3g}, so scale the data"
    if largest > GROWN * at_first:
        grown = f"the largest parameter grew from {at_first:.3g} to {largest:.3g}"
        return f"{cause}; {grown}, and {RATE}"
    if culprit.method == "update":
        return f"{cause}; {RATE}"
    return f"{cause}; the largest parameter is {largest:.3g}, as when the training began"
