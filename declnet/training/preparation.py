"""Preparation of a run: check the spec, load the data for the model and the loss, build it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from declnet.contracts.arrays import Array, MappedArray, read_only
from declnet.contracts.data_source import Dataset
from declnet.contracts.inputs import Inputs, by_name, for_each, sample_count
from declnet.contracts.loss import Loss
from declnet.contracts.returned import checked_targets
from declnet.data.loading import fingerprint
from declnet.data.preparation import FittedPreparation
from declnet.data.sets import prepared_sets
from declnet.data.splits import Data
from declnet.errors import DataError
from declnet.graph.model import Model, build_model
from declnet.registry.registry import Registry
from declnet.spec.model import RunSpec
from declnet.training.checks.check import Checked, check_spec


@dataclass(frozen=True, eq=False)
class ReadyData:
    """Arrays in the types that a model and a loss compute with, which components only read.

    Attributes:
        x: in the model's type, batch-first; several inputs by name.
        y: as passed by the user, for metrics.
        y_true: as prepared by the loss.
        weights: (n,) in the model's type; None if all samples are weighted equally.
        class_names: the names of the labels 0, 1, 2, …, if known.
    """

    x: Inputs
    y: Array
    y_true: Array
    fingerprint: str
    weights: Array | None = None
    class_names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return sample_count(self.x)


def make_ready(dataset: Dataset, model: Model, loss: Loss, label: str) -> ReadyData:
    """Convert a data set for a model and a loss.

    Args:
        label: the data set's name in messages, e.g. `"train"`.

    Raises:
        DataError: the data does not match the model or the loss.
    """
    try:
        y_true = checked_targets(
            loss, loss.prepare(dataset.y, model.output_shape, model.dtype), len(dataset.y)
        )
    except ValueError as error:
        raise DataError(f"{label} data: {error}") from None
    weights, x = dataset.weights, _converted(dataset.x, model, label)
    return ReadyData(
        for_each(_read_only, x),
        read_only(dataset.y),
        read_only(y_true),
        fingerprint(dataset),
        weights.astype(model.dtype) if weights is not None else None,
        dataset.class_names,
    )


def _read_only(x: Array | MappedArray) -> Array | MappedArray:
    return x if isinstance(x, MappedArray) else read_only(x)


def _converted(x: Inputs, model: Model, label: str) -> Inputs:
    """Return finite x in the model's type; raise DataError if a number is too large for it."""
    with np.errstate(over="ignore"):
        converted: Inputs = model.as_input(x)
    given = by_name(x)
    for name, each in by_name(converted).items():
        before = given[name] if name in given else next(iter(given.values()))
        if isinstance(each, np.ndarray) and each.dtype != before.dtype:
            finite = np.isfinite(each).reshape(len(each), -1).all(axis=1)
            if not finite.all():
                of = f' of "{name}"' if name else ""
                raise DataError(
                    f"{label} data: sample {np.argmin(finite) + 1}{of} has a number that is too "
                    f"large for {each.dtype}",
                    hint='correct it, or use dtype = "float64" in [model]',
                )
    return converted


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
    model = build_model(spec.model, sets.input_infos, spec.seed, registry, spec.optimizer.groups)
    ready = {name: make_ready(each, model, spec.loss, name) for name, each in sets.datasets.items()}
    return Prepared(model, ready, sets.preparation)
