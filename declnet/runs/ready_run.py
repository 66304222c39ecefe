"""Everything that a run needs before anything is written: checked, loaded, built and compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from declnet.contracts.arrays import Array
from declnet.contracts.attribution import attributing_errors
from declnet.data.splits import Data
from declnet.registry.registry import Registry
from declnet.spec.model import RunSpec
from declnet.spec.requirements import registry_for
from declnet.training.checks.calibration import require_samples, require_targets
from declnet.training.checks.check import Checked
from declnet.training.choice import ChosenKernels
from declnet.training.preparation import Prepared, prepare
from declnet.training.trainer import Trainer


@dataclass(frozen=True, eq=False)
class ReadyRun:
    """Everything needed to execute a run, before anything is written.

    Attributes:
        prepared: the spec, its data and its model.
        trainer: the trainer, before its first step.
        data: data sets by name, used instead of the spec's.
    """

    prepared: Prepared
    trainer: Trainer
    data: Mapping[str, Data] | None = None

    @property
    def spec(self) -> RunSpec:
        """The spec."""
        return self.prepared.spec

    @property
    def registry(self) -> Registry:
        """Where names were looked up, as the spec sees it."""
        return self.prepared.registry


def make_ready_run(
    spec: RunSpec,
    registry: Registry | None,
    data: Mapping[str, Data] | None,
    checked: Checked | None = None,
    parameters: Mapping[str, Array] | None = None,
    stored_kernels: ChosenKernels | None = None,
) -> ReadyRun:
    """Check a spec, load its data, and build and compile its model.

    Args:
        data: data sets by name, used instead of the spec's.
        checked: the result of checking this same spec, to avoid repeating the check.
        parameters: the model's parameters to start from, instead of initialized ones.
        stored_kernels: what a run that is resumed has used, which `auto` then stands for.

    Raises:
        SpecError: the spec is invalid.
        DataError: the data is invalid.
        WeightsError: the parameters do not fit the model.
        ComponentError: a component raised an exception.
    """
    registry = registry_for(spec.plugins, registry)
    with attributing_errors(registry):
        prepared = prepare(spec, registry, data, checked)
        if parameters is not None:
            prepared.model.load_parameters(parameters, "the given parameters")
            prepared.model.loaded = frozenset(parameters)
        validation = prepared.data.get("validation")
        if validation is not None:
            require_samples(spec.heads, len(validation))
            require_targets(spec.heads, (part.y for part in validation.parts()))
        trainer = Trainer(prepared, stored_kernels=stored_kernels)
    return ReadyRun(prepared, trainer, data)
