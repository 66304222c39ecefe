"""What an estimator changes in a spec for the data that it is fitted to."""

from __future__ import annotations

from typing import Any

from declnet import OutputError, Registry, RunSpec


def template_contract(registry: Registry) -> Any:
    """Return the contract of templates, a kind of a plugin.

    Raises:
        OutputError: no template is installed.
    """
    for entry in registry.entries("template"):
        return entry.component.contract()
    raise OutputError("no presets are installed")


def takes_whole_data(spec: RunSpec) -> bool:
    """Return whether arrays are needed as a whole: to prepare them, or as a single batch."""
    is_prepared = any(not transform.training_only for transform in spec.data.prepare)
    return is_prepared or spec.training.batch_size is None


def weighing_by(spec: RunSpec, column: str | None) -> RunSpec:
    """Return a spec with another column of sample weights; None for weights of arrays."""
    data = spec.data.model_copy(update={"sample_weights": column})
    return spec.model_copy(update={"data": data})


def with_fitting_batches(spec: RunSpec, samples: int) -> RunSpec:
    """Return a spec whose batches are not larger than the training data, as in scikit-learn."""
    held = sum(round(samples * fraction) for fraction in spec.data.fractions.values())
    size, left = spec.training.batch_size, max(samples - held, 1)
    if size is None or size <= left:
        return spec
    training = spec.training.model_copy(update={"batch_size": left})
    return spec.model_copy(update={"training": training})


def preparing_target(spec: RunSpec, target: str) -> RunSpec:
    """Return a spec whose transforms for its only target are for this name."""
    steps = spec.data.prepare_targets
    if steps is None or len(steps) > 1 or target in steps:
        return spec
    data = spec.data.model_copy(update={"prepare_targets": {target: next(iter(steps.values()))}})
    return spec.model_copy(update={"data": data})
