"""Preparation of a run: check the spec, load the data, build the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from declnet.data.preparation import FittedPreparation
from declnet.data.sets import prepared_sets
from declnet.data.splits import Data
from declnet.graph.model import Model, build_model
from declnet.registry.registry import Registry
from declnet.spec.model import RunSpec
from declnet.training.checks.check import Checked, check_spec
from declnet.training.ready_data import ReadyData, make_ready


@dataclass(frozen=True, eq=False)
class Prepared:
    """Everything that a run needs.

    Attributes:
        model: the model, with initialized parameters.
        data: `train`, and `validation` and `test` if they exist.
        preparation: the preparation to apply to other data before the model; None if the model
            takes arrays unchanged.
    """

    model: Model
    data: dict[str, ReadyData]
    preparation: FittedPreparation | None = None


def prepare(
    spec: RunSpec,
    registry: Registry,
    given: Mapping[str, Data] | None = None,
    checked: Checked | None = None,
) -> Prepared:
    """Check a spec, load and prepare its data, and build its model.

    Args:
        spec: the run.
        registry: where initializers are looked up.
        given: data sets by name, in place of the spec's.
        checked: the result of a check of the same spec and data, if there was one.

    Raises:
        SpecError: lists every error that can be found before the data is loaded.
        DataError: the data is invalid.
        WeightsError: the initial weights are invalid.
    """
    checked = checked or check_spec(spec, registry, given)
    checked.require_right()
    sets = checked.sets or prepared_sets(spec.data, spec.loss.targets, spec.seed, given)
    input_shape = sets.datasets["train"].x.shape[1:]
    model = build_model(spec.model, input_shape, spec.seed, registry)
    ready = {name: make_ready(each, model, spec.loss, name) for name, each in sets.datasets.items()}
    return Prepared(model, ready, sets.preparation)
