"""Predictions for tables and arrays, by the models of one run or of several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from declnet.contracts.arrays import Array, plain_array, read_only
from declnet.contracts.attribution import attributing_errors
from declnet.contracts.data.data_source import DataSource
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.table import CellFormat, ColumnType, Table
from declnet.contracts.network.inputs import Inputs, unwrapped
from declnet.data.preparing.forecasting import forecastable, steps, with_future
from declnet.data.preparing.preparation import FittedPreparation
from declnet.data.preparing.target_encoding import TargetEncoding
from declnet.data.preparing.unusual_cells import CellWatch, UnusualCells, watches_of
from declnet.data.preparing.windows import Windows
from declnet.data.sources.loading import GivenData, as_data, guarded
from declnet.data.sources.python_table import as_table, readable_rows
from declnet.data.typed_columns import readable_cells
from declnet.data.usable_rows import OnError, UsableRows
from declnet.display.words import counted
from declnet.errors import DataError
from declnet.graph.model import Model
from declnet.runs.inference.calibration import Calibrations, JointCalibration, thresholded
from declnet.runs.inference.member import (
    LabeledPart,
    Member,
    NamesSamples,
    Recorded,
    naming_samples,
    readings_of,
)
from declnet.runs.inference.partial_predictions import partial_predictions
from declnet.runs.inference.predictions import (
    AnyPredictions,
    OutputReading,
    Predictions,
    require_all_finite,
)
from declnet.runs.notices import warn

if TYPE_CHECKING:
    from declnet.runs.inference.evaluation import Evaluation


class Predictor:
    """Trained models with everything needed to predict from a user's data; thread-safe.

    A prediction is the weighted mean of its members' predictions: probabilities, scores and values
    as metrics take them, after `Loss.predictions`, in the units of the target and calibrated.
    Members may differ in their networks, preparations and features; they share the targets, the
    classes and the form of the outputs. Of the members' thresholds and bounds of intervals the
    medians are taken, and a class is in a set if most members' calibrations put it there.

    Args:
        members: the models, at least one.
        weights: a positive weight for each; default: the same for all.

    Attributes:
        heads: the losses, each with the output that it takes; with a threshold that a calibrator
            chose, their metrics use it.
        calibrations: the fitted calibrations, by the name of their loss; empty if there are none.
        readings: how to interpret the predictions for each loss.
        spec: the spec of the first member.
        registry: where its names are looked up, as the run sees it.
    """

    def __init__(self, members: Sequence[Member], weights: Sequence[float] | None = None) -> None:
        first = members[0]
        self.members = tuple(members)
        self.weights = tuple(weights) if weights is not None else (1.0,) * len(members)
        self.spec, self.registry = first.spec, first.registry
        self.heads, self.readings = first.heads, first.readings
        self.calibrations: Calibrations = first.calibrations
        fitted = [member.calibrations for member in members]
        if len(members) > 1 and first.calibrations:
            self.calibrations = joint = {
                name: JointCalibration.from_members([of_member[name] for of_member in fitted])
                for name in first.calibrations
            }
            heads = self.spec.heads
            with attributing_errors(self.registry):
                self.heads = thresholded(heads, joint)
                self.readings = readings_of(heads, first.model, first.preparation, joint)

    @property
    def member(self) -> Member:
        """The only member.

        Raises:
            DataError: there are several.
        """
        if len(self.members) > 1:
            count = counted(len(self.members), "model")
            raise DataError(f"the predictor has {count}", hint="use one of its `members`")
        return self.members[0]

    @property
    def model(self) -> Model:
        """The model of the only member; raises DataError if there are several."""
        return self.member.model

    @property
    def preparation(self) -> FittedPreparation:
        """The preparation of the only member; raises DataError if there are several."""
        return self.member.preparation

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
        return self.members[0].preparation.windows

    @property
    def cells(self) -> CellFormat:
        """How the cells of text are written in the training data, and in any other data."""
        return self.members[0].preparation.cells

    @property
    def targets(self) -> Mapping[str, TargetEncoding]:
        """How each target is encoded, by name, as `FittedPreparation.targets`."""
        return self.members[0].preparation.targets

    @cached_property
    def samples_in_part(self) -> int:
        """How many samples to process per part, balancing memory and speed.

        The number is a multiple of the samples that the model computes together, so results do not
        depend on how a file is divided.
        """
        return min(member.samples_in_part for member in self.members)

    @cached_property
    def feature_types(self) -> dict[str, ColumnType] | None:
        """The columns used by any member, with their types; None for arrays."""
        types = [member.preparation.types for member in self.members]
        if types[0] is None:
            return None
        return {name: kind for columns in types for name, kind in (columns or {}).items()}

    @property
    def features(self) -> tuple[str, ...] | None:
        """The columns used for predictions; None if the model was trained on arrays."""
        return tuple(self.feature_types) if self.feature_types is not None else None

    @cached_property
    def cell_watches(self) -> tuple[CellWatch | None, ...]:
        """What counts unusual cells as each member prepares them; as `watches_of`."""
        return watches_of([member.preparation for member in self.members])

    @cached_property
    def column_types(self) -> dict[str, ColumnType]:
        """The types of a table's columns in the training data; the series of windows is text."""
        types = dict(self.feature_types or {})
        if self.windows is not None and self.windows.spec.series is not None:
            types.setdefault(self.windows.spec.series, "text")
        return types

    def predict(self, data: Any, on_error: OnError = "fail", *, spread: bool = True) -> Any:
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
            on_error: whether a sample that cannot be predicted raises an error, or gets empty
                predictions and leaves the others unaffected. With windows, only `"fail"`.
            spread: whether an ensemble's predictions have their standard deviation.

        Raises:
            DataError: there are no rows, a column is missing or has a different type, a row cannot
                be prepared, or a prediction is NaN or infinite; with `on_error="empty"`, only if
                the error concerns more than single samples. Series that are too short for a
                forecast are left out with a DeclnetWarning, unless all are.
            ComponentError: a component raised an exception or violated its contract.
        """
        self.require_on_error(on_error)
        returned = partial(_returned, spread=spread)
        with attributing_errors(self.registry):
            if self.members[0].takes_named_arrays and isinstance(data, Mapping):
                named = {key: read_only(plain_array(values, key)) for key, values in data.items()}
                return returned(self.predict_part(Dataset(named, {}), on_error))
            cells, types = self.cells, self.column_types
            try:
                table = as_table(data, cells=cells, types=types)
            except DataError as error:
                if on_error == "fail" or error.row is None:
                    raise
                return returned(partial_predictions(self, readable_rows(data, cells, types)))
            if not isinstance(table, Table):
                return returned(self.predict_part(Dataset(read_only(table), {}), on_error))
            if table.columns and not len(table):
                raise DataError("there are no samples")
            # another table was made here, and can only be read
            table = guarded(table) if table is data else table
            return returned(self.predict_part(table, on_error))

    def require_on_error(self, on_error: OnError) -> None:
        """Raise DataError if predictions cannot be left empty, as a forecast of many rows."""
        if on_error != "fail" and self.windows is not None:
            raise DataError(
                "a forecast is made from several rows, so no row can be left out",
                hint='correct the rows, and leave out on_error = "empty"',
            )

    def predict_parts(
        self,
        data: Path | DataSource | None = None,
        identifiers: Sequence[str] = (),
        *,
        spread: bool = False,
        on_error: OnError = "fail",
    ) -> Iterator[AnyPredictions]:
        """Yield the predictions for a file part by part, with memory independent of its size.

        Args:
            data: the path of a file, in any format that an installed data source reads, or a data
                source; settings such as a delimiter are those of the training data. None: for
                windows, what follows the training data.
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
            for part in parts:
                yield _returned(part)

    def predict_part(
        self, data: Dataset | Table, on_error: OnError = "fail"
    ) -> dict[str, Predictions]:
        """Return the predictions of each loss for unprepared data.

        Args:
            data: a table, or arrays, whose targets do not matter.
            on_error: as for `predict`.

        Raises:
            DataError: as for `predict`.
        """
        records, windows, warning = self.members[0].records_of(data), self.windows, None
        if windows is not None:
            targets = self.members[0].preparation.target_columns
            records, warning = forecastable(windows, records, targets)
            records = with_future(windows, records, targets)
        name_sample = naming_samples(data, windows)
        try:
            predictions = self.predict_records(records, name_sample)
            require_all_finite(predictions, name_sample)
        except DataError as error:
            if on_error == "fail" or error.row is None:
                raise
            rows = readable_cells(records, self.column_types, self.cells)
            return partial_predictions(self, rows, name_sample)
        if on_error == "empty":
            rows = UsableRows.whole(records)
            return {loss: of_loss.with_errors(rows) for loss, of_loss in predictions.items()}
        if windows is None:
            return predictions
        identifiers, name = dict[str, Array](), windows.spec.series
        if name is not None:
            series = np.array([*windows.series_in(records)], records.columns[name].dtype)
            identifiers[name] = series
        of_steps = steps(windows, records)
        return {
            loss: replace(of_loss, identifiers=identifiers, steps=of_steps, warning=warning)
            for loss, of_loss in predictions.items()
        }

    def predict_records(self, records: Table, name_sample: NamesSamples) -> dict[str, Predictions]:
        """Return the predictions of each loss for samples as `Member.prepare` takes them.

        They may be NaN or infinite.

        Raises:
            DataError: a sample cannot be prepared.
        """
        unusual: dict[str, UnusualCells] = {}
        outputs = []
        for member, watch in zip(self.members, self.cell_watches, strict=True):
            observe = None if watch is None else partial(watch.count, counts=unusual)
            outputs.append(member.outputs(member.prepare(records, name_sample, observe)))
        predictions = self.combined(outputs)
        if not unusual:
            return predictions
        return {loss: replace(of_loss, unusual=unusual) for loss, of_loss in predictions.items()}

    def combined(self, outputs: Sequence[dict[str, Array]]) -> dict[str, Predictions]:
        """Return predictions, given the `outputs` of each of the members."""
        predictions = self.read(self.averaged(outputs))
        if len(outputs) == 1:
            return predictions
        for loss, prediction in predictions.items():
            of_members = [by_loss[loss] for by_loss in outputs]
            spread = np.std(of_members, axis=0, ddof=1, dtype=float).astype(of_members[0].dtype)
            predictions[loss] = replace(prediction, spread=spread)
        return predictions

    def outputs(
        self,
        samples: Sequence[Inputs],
        recorded: Sequence[Recorded] = (),
        *,
        calibrated: bool = True,
    ) -> dict[str, Array]:
        """Return the predictions of each loss as metrics take them.

        Args:
            samples: the samples as each member prepares them.
            recorded: as for `LabeledPart`.
            calibrated: as for `Member.outputs`.

        Returns:
            (n, …) by the name of the loss, which is `""` for the only one.
        """
        known = recorded or (None,) * len(samples)
        return self.averaged(
            [
                member.outputs(x, calibrated=calibrated)
                if y_preds is None
                else member.finished(y_preds, calibrated=calibrated)
                for member, x, y_preds in zip(self.members, samples, known, strict=True)
            ]
        )

    def averaged(self, outputs: Sequence[dict[str, Array]]) -> dict[str, Array]:
        """Return the weighted mean over the members of the predictions of each loss."""
        first, *others = outputs
        if not others:
            return first
        means = {}
        for loss, y_pred in first.items():
            total = self.weights[0] * y_pred.astype(float)
            for weight, other in zip(self.weights[1:], others, strict=True):
                total += weight * other[loss].astype(float)
            means[loss] = (total / sum(self.weights)).astype(y_pred.dtype)
        return means

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
            samples = guarded(as_data(data, "the given"))
            return evaluate_parts(self, [self.labeled(samples, "the given")], "given")

    def labeled(self, data: Dataset | Table, label: str) -> LabeledPart:
        """Return samples with targets, prepared like the run's data.

        Args:
            data: the samples; a table's target may have another name than the run's.
            label: the data's name in messages.

        Raises:
            DataError: as for `evaluate`.
        """
        name_sample = naming_samples(data, self.windows)
        samples = tuple(member.prepare_labeled(data, label, name_sample) for member in self.members)
        left_out = None
        if self.windows is not None and isinstance(data, Table):
            left_out = self.windows.left_out(data)
        return LabeledPart(samples, name_sample, left_out)

    def read(self, outputs: Mapping[str, Array]) -> dict[str, Predictions]:
        """Return the predictions of each loss, as `outputs` returns them, in the user's terms."""
        predictions = {}
        for reading, (loss, y_pred) in zip(self.readings, outputs.items(), strict=True):
            of_loss, calibration = reading.read(y_pred), self.calibrations.get(loss)
            predictions[loss] = of_loss if calibration is None else calibration.completed(of_loss)
        return predictions


def _returned(predictions: dict[str, Predictions], *, spread: bool = True) -> Any:
    """Return the predictions of each loss as users get them; issue their warning."""
    warning = next(iter(predictions.values())).warning
    if warning is not None:
        warn(warning)
    if not spread:
        predictions = {
            loss: one if one.spread is None else replace(one, spread=None)
            for loss, one in predictions.items()
        }
    return unwrapped(predictions)
