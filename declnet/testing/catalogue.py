"""Which checks there are for a component of each kind, and how one is used."""

from __future__ import annotations

from typing import Any

from declnet.testing import (
    callbacks,
    data_sources,
    declarations,
    initializers,
    kernels,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
    transforms,
)
from declnet.testing.check import Check
from declnet.testing.trial import Try

COMMON = declarations.CHECKS
"""The checks of every component, whatever its kind."""

CHECKS_BY_KIND: dict[str, tuple[Check, ...]] = {
    "layer": layers.CHECKS,
    "loss": losses.CHECKS,
    "kernel": kernels.CHECKS,
    "regularizer": regularizers.CHECKS,
    "optimizer": optimizers.CHECKS,
    "schedule": schedules.CHECKS,
    "initializer": initializers.CHECKS,
    "metric": metrics.CHECKS,
    "data_source": data_sources.CHECKS,
    "callback": callbacks.CHECKS,
    "transform": transforms.CHECKS,
}
"""The checks of each kind besides the common ones; a kind that is not here has only those."""

TRIALS: dict[str, Try] = {
    "layer": layers.try_layer,
    "loss": losses.try_loss,
    "kernel": kernels.try_kernel,
    "regularizer": regularizers.try_regularizer,
    "optimizer": optimizers.try_optimizer,
    "initializer": initializers.try_initializer,
    "schedule": schedules.try_schedule,
    "metric": metrics.try_metric,
    "data_source": data_sources.try_data_source,
    "callback": callbacks.try_callback,
    "transform": transforms.try_transform,
}
"""How a component of each kind is used once."""


def checks_for(component: Any) -> tuple[Check, ...]:
    """Return the checks for a component, by its kind; in the order in which they run.

    Args:
        component: a component class or an instance.
    """
    return COMMON + CHECKS_BY_KIND.get(component.kind, ())
