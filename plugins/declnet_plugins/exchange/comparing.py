"""The comparison of a written file's predictions with declnet's, up to rounding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from declnet import Array, DeclnetError, error_summary
from declnet_plugins.exchange.exported_model import (
    ExportedModel,
    ExportedOutput,
    ExportedPredictions,
)
from declnet_plugins.exchange.exporter import FilePredictor

TOLERANCE = 1e-4
"""The largest difference, as a share of an output's largest number, that float32 explains."""

MOST_CELLS = 20
"""Cells of a row in a message."""


@dataclass(frozen=True)
class Comparison:
    """The predictions of a file for some rows, compared with declnet's.

    Attributes:
        samples: the number of rows.
        difference: the largest difference, as a share of the largest number of the output.
        labels_differ: for how many rows the predicted class is another one.
        fault: what differs by more than rounding to float32 explains; empty if nothing does.
        odd_samples: the number of rows with odd cells that agree, too.
    """

    samples: int
    difference: float
    labels_differ: int
    fault: str
    odd_samples: int = 0


def compared_with_declnet(model: ExportedModel, predict: FilePredictor) -> Comparison:
    """Compare a file with declnet on the model's examples.

    Args:
        model: the model, with examples.
        predict: runs the file.
    """
    comparison, says_valid = _attempt(model, predict, model.examples, model.expected)
    if comparison.fault or not (model.odd_expected and says_valid):
        return comparison
    odd, _ = _attempt(model, predict, model.odd_examples, model.odd_expected)
    return odd if odd.fault else replace(comparison, odd_samples=odd.samples)


def _attempt(
    model: ExportedModel,
    predict: FilePredictor,
    columns: Mapping[str, Array],
    expected: Mapping[str, ExportedPredictions],
) -> tuple[Comparison, bool]:
    """Compare a file on some rows; return also whether it says which of them are valid."""
    try:
        predictions = predict({column.name: columns[column.name] for column in model.columns})
    except DeclnetError:
        raise
    except Exception as error:  # of the format's runtime
        rows = "rows" if columns is model.examples else "rows with odd cells"
        return Comparison(0, np.inf, 0, f"it fails on {rows}: {error_summary(error)}"), False
    says_valid = all(output.valid is not None for output in predictions.values())
    return _compared(model, columns, predictions, expected), says_valid


def _compared(
    model: ExportedModel,
    columns: Mapping[str, Array],
    predictions: Mapping[str, ExportedPredictions],
    expected: Mapping[str, ExportedPredictions],
) -> Comparison:
    largest, labels_differ, differing, place = 0.0, 0, -1, ""
    for output in model.outputs:
        valid, expected_valid = predictions[output.name].valid, expected[output.name].valid
        if valid is not None and expected_valid is not None:
            wrong = np.asarray(valid) != expected_valid
            differing = int(np.argmax(wrong)) if wrong.any() else differing
        difference, labels = compared_predictions(
            output, predictions[output.name], expected[output.name]
        )
        labels_differ += labels
        if difference > largest:
            largest, place = difference, f' of "{output.name}"' if output.name else ""
    samples = len(next(iter(expected.values())).outputs)
    rows, fault = "1 row" if samples == 1 else f"{samples} rows", ""
    if differing >= 0:
        cells = [f"{name} = {column[differing]}" for name, column in columns.items()]
        listed = ", ".join(cells[:MOST_CELLS]) + (", …" if len(cells) > MOST_CELLS else "")
        fault = f"which of {rows.replace('row', 'odd row')} can be predicted, e.g. {listed}"
    elif labels_differ:
        fault = f"the class of {labels_differ} of {rows}"
    elif not largest <= TOLERANCE:
        fault = f"up to {largest:.2g} of the largest number{place}, on {rows}"
    return Comparison(samples, largest, labels_differ, fault)


def compared_predictions(
    output: ExportedOutput, predictions: ExportedPredictions, expected: ExportedPredictions
) -> tuple[float, int]:
    """Return the largest difference of predictions, and how many classes differ without a tie.

    The difference is a share of the largest expected number; NaN or another shape gives infinity.
    Rows that are not valid do not count. A class may differ where two classes are equally likely up
    to that rounding.
    """
    if np.shape(predictions.outputs) != expected.outputs.shape:
        return np.inf, 0
    rows = np.ones(len(expected.outputs), bool)
    for valid in (predictions.valid, expected.valid):
        rows &= True if valid is None else np.asarray(valid, bool)
    if not rows.all():
        predictions, expected = predictions.take(rows), expected.take(rows)
    largest = max(
        _difference(getattr(predictions, name), getattr(expected, name))
        for name in ("outputs", "lower", "upper")
        if getattr(expected, name) is not None
    )
    if output.task == "values":
        return largest, 0
    labels, expected_labels = (
        np.asarray(side.prediction).astype(str) for side in (predictions, expected)
    )
    same = (labels == expected_labels).reshape(len(labels), -1).all(axis=1)
    return largest, int((~same & ~_ties(output, expected.outputs)).sum())


def predictions_by_row(
    compute: Callable[[slice], tuple[Array, Array]], count: int
) -> ExportedPredictions:
    """Return what another library predicts: for each row alone if it refuses all rows together.

    A row is not valid if it is refused, or if an output of it is not finite.

    Args:
        compute: the outputs (rows, numbers) of some rows, and their classes or values.
        count: the number of rows.

    Raises:
        Exception: the library refuses every row.
    """

    def of_row(row: int) -> tuple[Array, Array] | None:
        try:
            return compute(slice(row, row + 1))
        except Exception:  # of the library
            return None

    valid = np.ones(count, bool)
    try:
        outputs, prediction = compute(slice(None))
    except Exception:  # of the library
        rows = [of_row(row) for row in range(count)]
        valid = np.array([row is not None for row in rows])
        usual = next((row for row in rows if row is not None), None)
        if usual is None:
            raise
        whole = (usual if row is None else row for row in rows)
        outputs, prediction = (np.concatenate(parts) for parts in zip(*whole, strict=True))
    valid &= np.isfinite(outputs).reshape(count, -1).all(axis=1)
    return ExportedPredictions(prediction, outputs, valid=valid)


def _difference(outputs: Any, expected: Array) -> float:
    if outputs is None or np.shape(outputs) != expected.shape:
        return np.inf
    if not expected.size:
        return 0.0
    scale = float(np.abs(expected.astype(float)).max()) or 1.0
    largest = float(np.abs(np.asarray(outputs, float) - expected).max()) / scale
    return largest if np.isfinite(largest) else np.inf


def _ties(output: ExportedOutput, outputs: Array) -> Array:
    """Return in which rows two classes are equally likely, up to rounding, as booleans (n,)."""
    rows = outputs.reshape(len(outputs), -1).astype(float)
    if output.task == "classes" and rows.shape[1] > 1:
        first, second = np.sort(rows, axis=1)[:, [-1, -2]].T
        close: Array = first - second <= TOLERANCE * np.maximum(1, np.abs(first))
        return close
    threshold = np.asarray(output.threshold, float)
    near = np.abs(rows - threshold) <= TOLERANCE * np.maximum(1, np.abs(threshold))
    return np.asarray(near.any(axis=1))
