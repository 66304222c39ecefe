"""The checks for each kind of component, and how a component of each kind is used."""

from __future__ import annotations

from typing import Any

from declnet.testing.check import Check
from declnet.testing.checks import (
    analyses,
    calibrators,
    callbacks,
    data_sources,
    declarations,
    engines,
    executors,
    formats,
    initializers,
    kernels,
    layers,
    losses,
    metrics,
    native,
    optimizers,
    plans,
    regularizers,
    schedules,
    searchers,
    templates,
    transforms,
    translations,
)
from declnet.testing.trial import Try

COMMON = declarations.CHECKS
"""The checks of every component, whatever its kind."""

_KINDS: dict[str, tuple[Try | None, tuple[Check, ...]]] = {
    "layer": (layers.try_layer, (*layers.CHECKS, *native.CHECKS)),
    "loss": (losses.try_loss, (*losses.CHECKS, *native.CHECKS)),
    "kernel": (kernels.try_kernel, kernels.CHECKS),
    "engine": (None, engines.CHECKS),
    "executor": (None, executors.CHECKS),
    "regularizer": (regularizers.try_regularizer, (*regularizers.CHECKS, *native.CHECKS)),
    "optimizer": (optimizers.try_optimizer, (*optimizers.CHECKS, *native.CHECKS)),
    "schedule": (schedules.try_schedule, schedules.CHECKS),
    "initializer": (initializers.try_initializer, initializers.CHECKS),
    "metric": (metrics.try_metric, metrics.CHECKS),
    "data_source": (data_sources.try_data_source, data_sources.CHECKS),
    "callback": (callbacks.try_callback, callbacks.CHECKS),
    "analysis": (analyses.try_analysis, analyses.CHECKS),
    "calibrator": (calibrators.try_calibrator, calibrators.CHECKS),
    "plan": (None, plans.CHECKS),
    "searcher": (None, searchers.CHECKS),
    "template": (None, templates.CHECKS),
    "transform": (transforms.try_transform, transforms.CHECKS),
    "translation": (None, translations.CHECKS),
    "exporter": (None, formats.EXPORTER_CHECKS),
    "importer": (None, formats.IMPORTER_CHECKS),
}

TRIALS = {kind: use for kind, (use, _) in _KINDS.items() if use is not None}
"""The function that uses a component once, by kind."""

CHECKS_BY_KIND = {kind: checks for kind, (_, checks) in _KINDS.items()}
"""The checks for each kind besides the common ones; other kinds have only the common ones."""


def checks_for(component: Any) -> tuple[Check, ...]:
    """Return the checks for a component's kind, in the order in which they run.

    Args:
        component: a component class or an instance.
    """
    return COMMON + CHECKS_BY_KIND.get(component.kind, ())
