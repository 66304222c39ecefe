"""A trained model with the preparation of its data: one of the members of a predictor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from math import prod
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.attribution import attributing_errors
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.sample_arrays import ARRAY, SampleArrays
from declnet.contracts.data.table import Table
from declnet.contracts.network.inputs import UNNAMED, as_arrays, wrapped
from declnet.data.integer_limits import require_within
from declnet.data.preparing.preparation import FittedPreparation, stacked
from declnet.data.preparing.unusual_cells import Observe
from declnet.data.preparing.windows import Windows
from declnet.data.sources.loading import checked
from declnet.errors import DataError, SampleName
from declnet.graph.model import Model
from declnet.graph.shapes import input_limits
from declnet.registry.registry import Registry
from declnet.runs.inference.calibration import Calibrations, calibrating, thresholded
from declnet.runs.inference.predictions import OutputReading
from declnet.spec.heads import Head
from declnet.spec.model import RunSpec
from declnet.spec.requirements import registry_for
from declnet.training.numerics import one_blas_thread
from declnet.training.preparation import unscaling
from declnet.training.tasks import predictions_of

NUMBERS_IN_PART = 2**21
"""Approximate number of values of x in a part: 16 MiB in float64."""

MOST_IN_PART = 2**16
"""Maximum number of samples in a part."""

NamesSamples = Callable[[int], SampleName]
"""Returns what messages call the sample at a position of a part."""


def naming_samples(data: SampleArrays, windows: Windows | None = None) -> NamesSamples:
    """Return the names of samples: `row 7` or `window 7` of a table, `sample 7` of arrays."""
    if windows is None:
        return data.sample_name
    return lambda position: SampleName(f"window {1 + position}", 1 + position)


def naming_among(positions: Array, name_sample: NamesSamples) -> NamesSamples:
    """Return the names of the samples at some positions of a part."""
    return lambda position: name_sample(int(positions[position]))


Recorded = Mapping[str, Array] | None
"""What a member is to predict in place of its model: the output that each loss takes, by the loss's
name; None for the model's."""


class LabeledPart(NamedTuple):
    """Samples with targets.

    Attributes:
        samples: the samples as each member prepares them.
        name_sample: returns what messages call the sample at a position.
        warning: that some of the data is left out, if it is.
        recorded: for each member, what it is to predict. Empty: what the models compute.
    """

    samples: tuple[Dataset, ...]
    name_sample: NamesSamples
    warning: str | None = None
    recorded: tuple[Recorded, ...] = ()


class Member:
    """A trained model with everything needed to predict from a user's data; thread-safe.

    Attributes:
        model: the trained model; its `predict` returns outputs before `Loss.predictions`.
        preparation: the preparation applied to data before the model.
        heads: the run's losses, each with the output that it takes; with a threshold that a
            calibrator chose, their metrics use it.
        calibrations: the fitted calibrations, by the name of their loss; empty if there are none.
        readings: how to interpret the predictions for each loss.
        spec: the run's spec.
        registry: where the run's names are looked up, as the run sees it.
    """

    def __init__(
        self,
        model: Model,
        preparation: FittedPreparation,
        spec: RunSpec,
        registry: Registry | None = None,
        calibrations: Calibrations | None = None,
    ) -> None:
        self.model, self.preparation, self.spec = model, preparation, spec
        self.calibrations = calibrations = dict(calibrations or {})
        self.registry = registry_for(spec.plugins, registry)
        self._unscale = unscaling(spec.heads, preparation)
        self._limits = input_limits(model.nodes)
        self._output_of = {head.name: model.output(head.output).name for head in spec.heads}
        with attributing_errors(self.registry):
            self.heads = thresholded(spec.heads, calibrations)
            self.readings = readings_of(spec.heads, model, preparation, calibrations)
        self._finish = calibrating(self.heads, calibrations, self._unscale)

    def with_calibrations(self, calibrations: Calibrations) -> Member:
        """Return the same model with other calibrations."""
        return Member(self.model, self.preparation, self.spec, self.registry, calibrations)

    @cached_property
    def takes_named_arrays(self) -> bool:
        """Whether the model was trained on arrays with names, not on a table."""
        return self.preparation.types is None and UNNAMED not in self.model.inputs

    @property
    def samples_in_part(self) -> int:
        """The number of samples that are predicted together, so that memory is bounded."""
        outputs = sum(prod(node.output_shape) for node in self.model.outputs.values())
        size = max(1, self.model.sample_size, outputs)
        most = max(1, min(MOST_IN_PART, NUMBERS_IN_PART // size))
        at_once = self.model.samples_at_once
        return max(1, most // at_once) * at_once

    def outputs(self, x: Any, *, calibrated: bool = True) -> dict[str, Array]:
        """Return the predictions of each loss as metrics take them, for prepared samples.

        Args:
            x: (n, *input shape), or such an array for each input by name.
            calibrated: whether they are calibrated, if the run has calibrators.

        Returns:
            (n, …) by the name of the loss, which is `""` for the only one.
        """
        # what BLAS rounds depends on its threads, too
        threads = one_blas_thread() if self.model.independent_rows else nullcontext()
        with np.errstate(all="ignore"), threads:
            y_preds = self.model.compute(wrapped(x))
        of_losses = {loss: y_preds[name] for loss, name in self._output_of.items()}
        return self.finished(of_losses, calibrated=calibrated)

    def finished(
        self, y_preds: Mapping[str, Array], *, calibrated: bool = True
    ) -> dict[str, Array]:
        """Return the predictions of each loss as metrics take them.

        Args:
            y_preds: the output that each loss takes, by the loss's name.
            calibrated: as for `outputs`.
        """
        finish = self._finish if calibrated else self._unscale
        outputs = {}
        for number, head in enumerate(self.heads):
            outputs[head.name] = predictions_of(head.loss, y_preds[head.name])
            if number in finish:
                outputs[head.name] = finish[number](outputs[head.name])
        return outputs

    def records_of(self, data: Dataset | Table) -> Table:
        """Return samples as a table; arrays become columns.

        Args:
            data: a table, or arrays, whose targets do not matter.

        Raises:
            DataError: the model was trained on other data.
        """
        if self.preparation.types is None:
            return self._arrays(data)
        if not isinstance(data, Table):
            raise DataError("the model was trained on a table: give its columns by name")
        return data

    def prepared(self, data: Dataset | Table) -> dict[str, Array]:
        """Return unprepared data as the model's inputs.

        Args:
            data: as for `records_of`.

        Raises:
            DataError: as for `Predictor.predict`.
        """
        name_sample = naming_samples(data, self.preparation.windows)
        return self.prepare(self.records_of(data), name_sample)

    def prepare(
        self, records: Table, name_sample: NamesSamples, observe: Observe | None = None
    ) -> dict[str, Array]:
        """Return samples as the model's inputs.

        Args:
            records: a table, of which arrays are columns.
            name_sample: what messages call the sample at a position.
            observe: as for `FittedPreparation.apply`.

        Raises:
            DataError: a sample cannot be prepared.
        """
        x = self._prepared(records, observe)
        require_within(x, self._limits, name_sample)
        return x

    def prepare_labeled(
        self, data: Dataset | Table, label: str, name_sample: NamesSamples
    ) -> Dataset:
        """Return samples with targets, prepared like the run's data.

        Args:
            data: the samples; a table's target may have another name than the run's.
            label: the data's name in messages.
            name_sample: what messages call the sample at a position.

        Raises:
            DataError: the data lacks a column, has a class unknown to the model, or does not fit
                the model.
        """
        samples = self._labeled(data, label)
        require_within(samples.inputs, self._limits, name_sample)
        return samples

    def _labeled(self, data: Dataset | Table, label: str) -> Dataset:
        preparation = self.preparation
        if isinstance(data, Table):
            if preparation.types is None:
                raise DataError("the model was trained on arrays", hint="give arrays, x and y")
            columns, targets = dict(data.columns), preparation.target_columns
            if len(targets) == 1 and data.target in columns and data.target != targets[0]:
                columns[targets[0]] = columns.pop(data.target)
            data = replace(data, columns=columns, target=None, targets=targets)
            return checked(preparation.apply_to_set(data), label)
        if preparation.types is not None:
            raise DataError(
                "the model was trained on a table", hint="give a table with its columns"
            )
        data = checked(data, label)
        if preparation.steps and self.takes_named_arrays:
            self.model.match_inputs(data.inputs)  # since transforms may broadcast other shapes
        samples = preparation.apply_to_set(data)
        return samples if samples.inputs is data.inputs else checked(samples, label)

    def _prepared(self, records: Table, observe: Observe | None) -> dict[str, Array]:
        x = self.preparation.apply(records, observe)
        for name, array in x.items() if self.preparation.types is None else ():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                wrong = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
                row = records.row_number(int(np.argmax(wrong)))
                where = f' of "{name}"' if name else ""
                message = f"sample {row}{where} has a number that is NaN or infinite"
                raise DataError(message, row=row)
        return x

    def _arrays(self, data: Dataset | Table) -> Table:
        """Return samples for a model that was trained on arrays, each a column."""
        if isinstance(data, Table):
            if self.takes_named_arrays:
                names = ", ".join(self.model.inputs)
                raise DataError(
                    f"the model was trained on arrays, {names}, but this is a table",
                    hint="give an array for each by name",
                )
            whole = set(data.columns) == {ARRAY}
            return data if whole else stacked(data, self.model.input_shape)
        x = data.inputs
        if self.takes_named_arrays or UNNAMED not in x:
            x = self.model.match_inputs(x)
        elif x[UNNAMED].ndim == 0:
            raise DataError(f"{ARRAY} is a single number; its first axis must be samples")
        columns = {name or ARRAY: array for name, array in as_arrays(x).items()}
        return Table(columns, rows=data.rows)


def readings_of(
    heads: Sequence[Head],
    model: Model,
    preparation: FittedPreparation,
    calibrations: Calibrations = MappingProxyType({}),
) -> tuple[OutputReading, ...]:
    """Return how to interpret the predictions for each loss, with thresholds that were chosen."""
    encodings = preparation.targets
    readings = []
    for head in heads:
        name = head.target_among(encodings) if encodings else None
        target = encodings[name] if name is not None else None
        shape = model.output(head.output).output_shape
        reading = OutputReading.from_head(head, shape, model.dtype, target)
        calibration = calibrations.get(head.name)
        threshold = calibration.threshold if calibration is not None else None
        readings.append(reading if threshold is None else reading.with_threshold(threshold))
    return tuple(readings)
