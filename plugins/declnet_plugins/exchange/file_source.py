"""Exported files as something that predicts rows, by the exporter of their format."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from declnet import (
    Array,
    ColumnType,
    DataError,
    DeclnetError,
    OutputError,
    PredictedRows,
    Predictions,
    PredictionSource,
    Registry,
    RowPredictor,
    Table,
    error_summary,
    predicted_rows,
    verified,
)
from declnet_plugins.exchange.exported_model import ExportedOutput, ExportedPredictions
from declnet_plugins.exchange.exporter import Exporter
from declnet_plugins.exchange.files import format_for

NOT_PREDICTED = "the file says that the row is not valid"


class ExportedFile(PredictionSource):
    """A file that `declnet export` wrote, in any format whose exporter can run its files."""

    type = "exported_file"

    def opens(self, name: str, registry: Registry) -> bool:
        """Return whether an exporter writes files of this suffix."""
        if "://" in name:
            return False
        entries = registry.entries(Exporter.kind)
        return any(name.lower().endswith(entry.component.suffixes) for entry in entries)

    def open(self, name: str, registry: Registry) -> RowPredictor:
        """Return what runs the file.

        Raises:
            DeclnetError: its exporter cannot run it, or has not written it.
        """
        path = Path(name)
        exporter = format_for(Exporter, path, None, None, registry)
        interface = verified(Exporter.interface, exporter, path)
        if interface is None:
            fault = f'files of the format "{exporter.type}" do not say what they take'
            raise OutputError(f"{path}: {fault}")
        if any(column.window is not None for column in interface.columns):
            raise OutputError(f"{path}: it takes windows of rows, which cannot be compared by row")
        predict = verified(Exporter.predictor, exporter, path)
        if predict is None:
            message = f'files of the format "{exporter.type}" cannot be run here'
            raise OutputError(f"{path}: {message}")
        outputs = {output.name: output for output in interface.outputs}
        classes = {name for name, output in outputs.items() if output.task != "values"}
        names = [column.name for column in interface.columns]

        def predict_rows(rows: Table) -> PredictedRows:
            columns = {name: np.asarray(_column(rows, name)) for name in names}
            try:
                predictions = predict(columns)
            except DeclnetError:
                raise
            except Exception as error:  # of the format's runtime
                raise DataError(f"{path}: it fails on these rows: {error_summary(error)}") from None
            predicted = {
                name: _predictions(outputs[name], of_output)
                for name, of_output in predictions.items()
            }
            valid = next(iter(predictions.values())).valid
            refused = [] if valid is None else np.flatnonzero(~np.asarray(valid, bool)).tolist()
            result = predicted_rows(predicted, classes)
            return PredictedRows(
                result.columns, result.labels, dict.fromkeys(refused, NOT_PREDICTED)
            )

        if any(column.shape for column in interface.columns):
            return RowPredictor(predict_rows)
        types: dict[str, ColumnType] = {column.name: column.type for column in interface.columns}
        return RowPredictor(predict_rows, types)


def _column(rows: Table, name: str) -> Array:
    if name not in rows.columns:
        raise DataError(f'no array named "{name}"')
    return rows.columns[name]


def _predictions(output: ExportedOutput, predicted: ExportedPredictions) -> Predictions:
    """Return a file's predictions in the form of a run's, with the same column names."""
    outputs = np.asarray(predicted.outputs)
    probabilities = None
    if output.task != "values" and not output.scores:
        probabilities = outputs.reshape(len(outputs), -1)
        if output.task == "binary":
            probabilities = np.concatenate([1 - probabilities, probabilities], axis=1)
    return Predictions(
        prediction=np.asarray(predicted.prediction),
        probabilities=probabilities,
        class_names=output.class_names,
        outputs=outputs,
        lower=predicted.lower,
        upper=predicted.upper,
        sets=predicted.sets,
    )
