"""Which checks there are for a component of each kind."""

from __future__ import annotations

from typing import Any

from declnet.testing.check import Check
from declnet.testing.checks import (
    buffer_checks,
    callback_checks,
    data_source_checks,
    declaration_checks,
    finding_checks,
    fusion_checks,
    initializer_checks,
    kernel_checks,
    layer_batch_checks,
    layer_gradient_checks,
    layer_memory_checks,
    layer_shape_checks,
    layer_state_checks,
    loss_checks,
    loss_target_checks,
    metric_checks,
    optimizer_checks,
    optimizer_descent_checks,
    regularizer_checks,
    round_trip_checks,
    schedule_checks,
    transform_checks,
    trial_checks,
)

COMMON = declaration_checks.CHECKS + round_trip_checks.CHECKS + finding_checks.CHECKS
"""The checks of every component, whatever its kind."""

USED_ONCE = (
    trial_checks.is_deterministic,
    trial_checks.leaves_global_generators_alone,
    trial_checks.keeps_nothing_on_itself,
)

CHECKS_BY_KIND: dict[str, tuple[Check, ...]] = {
    "layer": layer_shape_checks.CHECKS
    + trial_checks.CHECKS
    + buffer_checks.CHECKS
    + layer_gradient_checks.CHECKS
    + layer_memory_checks.CHECKS
    + layer_state_checks.CHECKS
    + layer_batch_checks.CHECKS,
    "loss": loss_target_checks.CHECKS
    + trial_checks.CHECKS
    + buffer_checks.CHECKS
    + loss_checks.CHECKS,
    "fusion": trial_checks.CHECKS + buffer_checks.CHECKS + fusion_checks.CHECKS,
    "kernel": kernel_checks.CHECKS,
    "regularizer": trial_checks.CHECKS + regularizer_checks.CHECKS,
    "optimizer": (
        *USED_ONCE,
        trial_checks.takes_float32_and_float64,
        *optimizer_checks.CHECKS,
        *optimizer_descent_checks.CHECKS,
    ),
    "schedule": USED_ONCE + schedule_checks.CHECKS,
    "initializer": USED_ONCE + initializer_checks.CHECKS,
    "metric": (*trial_checks.CHECKS, buffer_checks.takes_any_memory_order, *metric_checks.CHECKS),
    "data_source": USED_ONCE + data_source_checks.CHECKS,
    "callback": USED_ONCE + callback_checks.CHECKS,
    "transform": (*USED_ONCE, trial_checks.leaves_inputs_alone, *transform_checks.CHECKS),
}
"""The checks of each kind besides the common ones; a kind that is not here has only those."""


def checks_for(component: Any) -> tuple[Check, ...]:
    """The checks for a component, by its kind; in the order in which they run.

    Args:
        component: a component class or an instance.
    """
    return COMMON + CHECKS_BY_KIND.get(component.kind, ())
