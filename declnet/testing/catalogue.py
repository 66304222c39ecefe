"""The checks for each kind of component, and how a component of each kind is used."""

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
"""The checks for each kind besides the common ones; other kinds have only the common ones."""

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
"""The function that uses a component once, by kind."""


def checks_for(component: Any) -> tuple[Check, ...]:
    """Return the checks for a component's kind, in the order in which they run.

    Args:
        component: a component class or an instance.
    """
    return COMMON + CHECKS_BY_KIND.get(component.kind, ())
