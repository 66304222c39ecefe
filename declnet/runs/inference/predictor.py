"""Predictions for tables and arrays, using a run's model and data preparation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from declnet.contracts.arrays import Array, plain_array, read_only
from declnet.contracts.attribution import attributing_errors
from declnet.contracts.data.data_source import Dataset, DataSource
from declnet.contracts.data.sample_arrays import ARRAY, SampleArrays
from declnet.contracts.data.table import ColumnType, Table
from declnet.contracts.network.inputs import (
    UNNAMED,
    Batch,
    Inputs,
    as_arrays,
    sample_count,
    unwrapped,
    wrapped,
)
from declnet.data.integer_limits import require_within
from declnet.data.preparing.preparation import FittedPreparation, stacked
from declnet.data.preparing.windows import Windows
from declnet.data.sources.loading import GivenData, as_data, checked, guarded
from declnet.data.sources.python_table import as_table, readable_rows
from declnet.data.typed_columns import readable_cells
from declnet.data.usable_rows import OnError, UsableRows
from declnet.errors import DataError, SampleName
from declnet.graph.model import Model
from declnet.graph.shapes import input_limits
from declnet.registry.registry import Registry
from declnet.runs.inference.calibration import (
    Calibrations,
    calibrating,
    thresholded,
)
from declnet.runs.inference.partial_predictions import partial_predictions
from declnet.runs.inference.predictions import (
    AnyPredictions,
    OutputReading,
    Predictions,
    require_all_finite,
)
from declnet.spec.heads import Head
from declnet.spec.model import RunSpec
from declnet.spec.requirements import registry_for
from declnet.training.preparation import unscaling
from declnet.training.tasks import predictions_of

if TYPE_CHECKING:
    from declnet.runs.inference.evaluation import Evaluation

NamesSamples = Callable[[int], SampleName]
"""Returns what messages call the sample at a position of a part."""


class LabeledPart(NamedTuple):
    """Samples with targets.

    Attributes:
        samples: the samples, prepared.
        name_sample: returns what messages call the sample at a position.
        warning: that some of the data is left out, if it is.
        others: the same samples as the other models of an ensemble prepare them.
    """

    samples: Dataset
    name_sample: NamesSamples
    warning: str | None = None
    others: tuple[Dataset, ...] = ()


Unprepared = Table | Batch
"""Samples to predict: a table, or an array for each input."""


def naming_samples(
    data: Dataset | Unprepared, first_row: int = 1, windows: Windows | None = None
) -> NamesSamples:
    """Return the names of samples: `row 7` or `window 7` of a table, `sample 7` of arrays."""

    def name_sample(position: int) -> SampleName:
        if windows is not None:
            return SampleName(f"window {1 + position}", 1 + position)
        if isinstance(data, SampleArrays):
            return data.sample_name(position)
        return SampleName(f"sample {first_row + position}", first_row + position)

    return name_sample


class Predictor:
    """A trained model with everything needed to predict from a user's data; thread-safe.

    Attributes:
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
        self._model, self.preparation, self.spec = model, preparation, spec
        self.calibrations = calibrations = dict(calibrations or {})
        self.registry = registry_for(spec.plugins, registry)
        self._unscale = unscaling(spec.heads, preparation)
        self._limits = input_limits(model.nodes)
        with attributing_errors(self.registry):
            self.heads = thresholded(spec.heads, calibrations)
            self.readings = readings_of(spec.heads, model, preparation, calibrations)
        self._finish = calibrating(self.heads, calibrations, self._unscale)

    @property
    def model(self) -> Model:
        """The run's trained model; its `predict` returns outputs before `Loss.predictions`."""
        return self._model

    @property
    def predictors(self) -> tuple[Predictor, ...]:
        """The predictors of the single models whose predictions are averaged; of one: itself."""
        return (self,)

    @property
    def reading(self) -> OutputReading:
        """How to interpret the predictions of the only loss.

        Raises:
            DataError: there are several losses.
        """
        if len(self.readings) > 1:
            names = ", ".join(head.name for head in self.heads)
            raise DataError(f"the model has several losses: {names}")
        return self.readings[0]

    def set_threshold(self, threshold: float) -> None:
        """Predict the second of two classes above a value of its unit.

        Raises:
            DataError: the predictions are not of two classes by one unit each, or there are several
                losses.
        """
        self.readings = (self.reading.with_threshold(threshold),)

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The class names in the order of the probabilities; None if there are none."""
        return self.reading.class_names

    @property
    def windows(self) -> Windows | None:
        """How rows become samples; None if each row, or item of an array, is one."""
        return self.preparation.windows

    @property
    def features(self) -> tuple[str, ...] | None:
        """The columns used for predictions; None if the model was trained on arrays."""
        types = self.preparation.types
        return tuple(types) if types is not None else None

    @property
    def column_types(self) -> dict[str, ColumnType]:
        """The types of a table's columns in the training data; the series of windows is text."""
        types = dict(self.preparation.types or {})
        if self.windows is not None and self.windows.spec.series is not None:
            types[self.windows.spec.series] = "text"
        return types

    def predict(self, data: Any, on_error: OnError = "fail") -> Any:
        """Prepare samples like the training data, without refitting, and return their predictions.

        Returns:
            `Predictions`; for several losses, a mapping from the name of each to its predictions.
            With `on_error="empty"`, their `errors` say which samples could not be predicted.

        Args:
            data: a data frame (polars, pandas), a mapping of columns, a list of records or a
                `Table`, with at least the columns `features`. If the model was trained on arrays:
                an array (n, *sample shape), or a table with one column per value of a sample, in
                order; for several inputs, a mapping of an array for each by name. Windows forecast
                from the table's last rows, so there is one prediction, or one for each series.
            on_error: what a sample leads to that cannot be predicted: an error, or empty
                predictions beside those of all others. With windows, only `"fail"`.

        Raises:
            DataError: there are no rows, a column is missing or has a different type, a row cannot
                be prepared, or a prediction is NaN or infinite; with `on_error="empty"`, only if
                the error concerns more than single samples.
            ComponentError: a component raised an exception or violated its contract.
        """
        self.require_on_error(on_error)
        with attributing_errors(self.registry):
            if self._takes_named_arrays and isinstance(data, Mapping):
                named = {key: read_only(plain_array(each, key)) for key, each in data.items()}
                return unwrapped(self.predict_part(named, on_error=on_error))
            cells, types = self.preparation.cells, self.column_types
            try:
                table = as_table(data, cells=cells, types=types)
            except DataError as error:
                if on_error == "fail" or error.row is None:
                    raise
                return unwrapped(partial_predictions(self, readable_rows(data, cells, types)))
            if not isinstance(table, Table):
                part: Unprepared = wrapped(read_only(table))
                return unwrapped(self.predict_part(part, on_error=on_error))
            if table.columns and not len(table):
                raise DataError("there are no samples")
            return unwrapped(self.predict_part(guarded(table), on_error=on_error))

    def require_on_error(self, on_error: OnError) -> None:
        """Raise DataError if predictions cannot be left empty, as a forecast of many rows."""
        if on_error != "fail" and self.windows is not None:
            raise DataError(
                "a forecast is made from several rows, so no row can be left out",
                hint='correct the rows, and leave out on_error = "empty"',
            )

    def predict_parts(
        self,
        data: Path | DataSource,
        identifiers: Sequence[str] = (),
        *,
        spread: bool = False,
        on_error: OnError = "fail",
    ) -> Iterator[AnyPredictions]:
        """Yield the predictions for a file part by part, with memory independent of its size.

        Args:
            data: the path of a file, in any format that an installed data source reads, or a data
                source; settings such as a delimiter are those of the training data.
            identifiers: columns of a table to pass through.
            spread: whether an ensemble's predictions have their standard deviation.
            on_error: as for `predict`.

        Raises:
            DataError: the file cannot be read, or as for `predict`.
            ComponentError: a component raised an exception or violated its contract.
        """
        from declnet.runs.inference.file_parts import predicted_parts

        with attributing_errors(self.registry):
            parts = predicted_parts(self, data, identifiers, spread=spread, on_error=on_error)
            yield from map(unwrapped, parts)

    @property
    def _takes_named_arrays(self) -> bool:
        """Whether the model was trained on arrays with names, not on a table."""
        return self.features is None and UNNAMED not in self._model.inputs

    def predict_part(
        self, data: Unprepared, first_row: int = 1, on_error: OnError = "fail"
    ) -> dict[str, Predictions]:
        """Return the predictions of each loss for unprepared data.

        Args:
            data: as for `prepared`.
            first_row: as for `prepared`.
            on_error: as for `predict`.

        Raises:
            DataError: as for `prepared`, or a prediction is NaN or infinite.
        """
        records = self._records(data, first_row)
        name_sample = naming_samples(data, first_row, self.windows)
        try:
            predictions = self.predict_records(records, name_sample)
            require_all_finite(predictions, name_sample)
        except DataError as error:
            if on_error == "fail" or error.row is None:
                raise
            rows = readable_cells(records, self.column_types, self.preparation.cells)
            return partial_predictions(self, rows, name_sample)
        if on_error == "empty":
            rows = UsableRows.of(records)
            return {loss: found.with_errors(rows) for loss, found in predictions.items()}
        name = self.windows.spec.series if self.windows is not None else None
        if name is None or self.windows is None:
            return predictions
        series = np.array([*self.windows.series_in(records)], records.columns[name].dtype)
        return {
            loss: replace(found, identifiers={name: series}) for loss, found in predictions.items()
        }

    def predict_records(self, records: Table, name_sample: NamesSamples) -> dict[str, Predictions]:
        """Return the predictions of each loss for samples as `prepare_records` takes them.

        They may be NaN or infinite.

        Raises:
            DataError: a sample cannot be prepared.
        """
        predictors = self.predictors
        outputs = [each.outputs(each.prepare_records(records, name_sample)) for each in predictors]
        return self.combined(outputs)

    def combined(self, outputs: Sequence[Mapping[str, Array]]) -> dict[str, Predictions]:
        """Return predictions, given the `outputs` of each of the `predictors`."""
        (own,) = outputs
        return self.read(own)

    def evaluate(self, data: Path | DataSource | GivenData) -> Evaluation:
        """Evaluate the model on samples with targets, prepared like the training data.

        Args:
            data: the path of a file; a data source; or data with targets, as for `declnet.run`.

        Raises:
            DataError: the data cannot be read, lacks a column, has a class unknown to the model, or
                does not fit the model.
            ComponentError: a component raised an exception or violated its contract.
        """
        from declnet.data.sources.files import called
        from declnet.runs.inference.evaluation import evaluate_parts
        from declnet.runs.inference.file_parts import labeled_parts

        with attributing_errors(self.registry):
            if isinstance(data, Path | DataSource):
                return evaluate_parts(self, labeled_parts(self, data), called(data))
            given = guarded(as_data(data, "the given"))
            return evaluate_parts(self, [self.labeled(given, "the given")], "given")

    def labeled(self, data: Dataset | Table, label: str) -> LabeledPart:
        """Return samples with targets, prepared like the run's data.

        Args:
            data: the samples; a table's target may have another name than the run's.
            label: the data's name in messages.

        Raises:
            DataError: as for `evaluate`.
        """
        samples = self._labeled(data, label)
        name_sample = naming_samples(data, windows=self.windows)
        require_within(samples.inputs, self._limits, name_sample)
        left_out = None
        if self.windows is not None and isinstance(data, Table):
            left_out = self.windows.left_out(data)
        return LabeledPart(samples, name_sample, left_out)

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
        if self.features is not None:
            raise DataError(
                "the model was trained on a table", hint="give a table with its columns"
            )
        data = checked(data, label)
        if preparation.steps and self._takes_named_arrays:
            self._model.given(data.inputs)  # as in `predict`: transforms may broadcast other shapes
        samples = preparation.apply_to_set(data)
        return samples if samples.inputs is data.inputs else checked(samples, label)

    def read(self, outputs: Mapping[str, Array]) -> dict[str, Predictions]:
        """Return the predictions of each loss, as `outputs` returns them, in the user's terms."""
        predictions = {}
        for reading, (loss, y_pred) in zip(self.readings, outputs.items(), strict=True):
            found, calibration = reading.read(y_pred), self.calibrations.get(loss)
            predictions[loss] = found if calibration is None else calibration.completed(found)
        return predictions

    def outputs(self, x: Any, *, calibrated: bool = True) -> dict[str, Array]:
        """Return the predictions of each loss as metrics take them, for prepared samples.

        Args:
            x: (n, *input shape), or such an array for each input by name.
            calibrated: whether they are calibrated, if the run has calibrators.

        Returns:
            (n, …) by the name of the loss, which is `""` for the only one.
        """
        finish = self._finish if calibrated else self._unscale
        with np.errstate(all="ignore"):
            y_preds = self._model.compute(wrapped(x))
        outputs = {}
        for number, head in enumerate(self.heads):
            output = y_preds[self._model.output(head.output).name]
            outputs[head.name] = predictions_of(head.loss, output)
            if number in finish:
                outputs[head.name] = finish[number](outputs[head.name])
        return outputs

    def prepared(self, data: Unprepared, first_row: int = 1) -> dict[str, Array]:
        """Return unprepared data as the model's inputs.

        Args:
            data: a table, or an array for each input.
            first_row: the number of an array's first sample, for messages.

        Raises:
            DataError: as for `predict`.
        """
        name_sample = naming_samples(data, first_row, self.windows)
        return self.prepare_records(self._records(data, first_row), name_sample)

    def prepare_records(self, records: Table, name_sample: NamesSamples) -> dict[str, Array]:
        """Return samples as the model's inputs.

        Args:
            records: a table, of which arrays are columns.
            name_sample: what messages call the sample at a position.

        Raises:
            DataError: a sample cannot be prepared.
        """
        x = self._prepared(records)
        require_within(x, self._limits, name_sample)
        return x

    def _records(self, data: Unprepared, first_row: int) -> Table:
        """Return samples as a table, of which arrays are columns."""
        if self.features is None:
            return self._as_arrays(data, first_row)
        if not isinstance(data, Table):
            raise DataError("the model was trained on a table: give its columns by name")
        return data

    def _prepared(self, records: Table) -> dict[str, Array]:
        x = self.preparation.apply(records)
        for name, array in x.items() if self.features is None else ():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                wrong = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
                row = records.row_number(int(np.argmax(wrong)))
                of = f' of "{name}"' if name else ""
                message = f"sample {row}{of} has a number that is NaN or infinite"
                raise DataError(message, row=row)
        return x

    def _as_arrays(self, data: Unprepared, first_row: int) -> Table:
        """Return samples for a model that was trained on arrays, each a column."""
        if isinstance(data, Table):
            if self._takes_named_arrays:
                names = ", ".join(self._model.inputs)
                raise DataError(
                    f"the model was trained on arrays, {names}, but this is a table",
                    hint="give an array for each by name",
                )
            whole = set(data.columns) == {ARRAY}
            return data if whole else stacked(data, self._model.input_shape)
        x: Inputs = data
        if self._takes_named_arrays or UNNAMED not in x:
            x = self._model.given(x)
        elif x[UNNAMED].ndim == 0:
            raise DataError(f"{ARRAY} is a single number; its first axis must be samples")
        columns = {name or ARRAY: array for name, array in as_arrays(x).items()}
        return Table(columns, rows=np.arange(first_row, first_row + sample_count(x)))


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
        reading = OutputReading.of(head, shape, model.dtype, target)
        calibration = calibrations.get(head.name)
        threshold = calibration.threshold if calibration is not None else None
        readings.append(reading if threshold is None else reading.with_threshold(threshold))
    return tuple(readings)
