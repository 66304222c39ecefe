"""A run that is ready for its first step, or for the one after a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from declnet.components.attribution import attributing_errors
from declnet.data.split import Data
from declnet.registry.registry import Registry
from declnet.runs.manifest import first_manifest
from declnet.spec.model import RunSpec
from declnet.spec.requirements import registry_for
from declnet.training.checks.check import Checked
from declnet.training.preparation import Prepared, prepare
from declnet.training.trainer import Trainer


@dataclass(frozen=True, eq=False)
class ReadyRun:
    """All that a run computes with; nothing is written yet.

    Attributes:
        prepared: model and data.
        trainer: stands before the first step.
        registry: where names were looked up, as the spec sees it.
    """

    spec: RunSpec
    prepared: Prepared
    trainer: Trainer
    registry: Registry

    def manifest(self, spec_file: bytes) -> dict[str, Any]:
        """Return the manifest of a run that begins now, with this spec.toml."""
        prepared, trainer = self.prepared, self.trainer
        model, kernels = prepared.model, trainer.kernels.used
        return first_manifest(self.spec, spec_file, self.registry, prepared.data, model, kernels)


def make_ready_run(
    spec: RunSpec,
    registry: Registry | None,
    data: Mapping[str, Data] | None,
    checked: Checked | None = None,
) -> ReadyRun:
    """Check a spec, load its data, build and compile its model.

    Args:
        spec: the run.
        registry: where kernels and initializers are looked up; default: all installed plugins.
        data: data sets by name, in place of the spec's.
        checked: what a check of the same spec found, so that it is not done again.

    Raises:
        SpecError: the spec is wrong.
        DataError: the data is wrong.
        ComponentError: a component raised.
    """
    registry = registry_for(spec.plugins, registry)
    with attributing_errors(registry):
        prepared = prepare(spec, registry, data, checked)
        train, validation = prepared.data["train"], prepared.data.get("validation")
        trainer = Trainer(spec, prepared.model, train, validation, registry)
    return ReadyRun(spec, prepared, trainer, registry)
