"""Predictions of the samples that can be predicted, with the errors of all others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.table import Table
from declnet.data.usable_rows import UsableRows, refused_rows
from declnet.errors import DataError, SampleName
from declnet.runs.inference.member import Member, NamesSamples, naming_among
from declnet.runs.inference.predictions import Predictions, require_all_finite
from declnet.training.tasks import predictions_of

if TYPE_CHECKING:
    from declnet.runs.inference.predictor import Predictor


def _row(position: int) -> SampleName:
    return SampleName(f"row {position + 1}", position + 1)


def partial_predictions(
    predictor: Predictor, rows: UsableRows, name_sample: NamesSamples = _row
) -> dict[str, Predictions]:
    """Return the predictions of all samples, which are empty where they cannot be made.

    Args:
        predictor: the predictor.
        rows: the samples that can be used, as far as that is known.
        name_sample: what messages call a sample, by its position among all samples.

    Raises:
        DataError: an error concerns more than single samples.
    """
    for member in predictor.members:
        rows = _prepared_rows(member, rows, name_sample)
    if not len(rows.table):
        outputs = [_blank_outputs(member) for member in predictor.members]
        return _of_rows(predictor.combined(outputs), slice(0), rows)
    names = naming_among(rows.positions, name_sample)
    predictions = predictor.predict_records(rows.table, names)

    def check(part: Array) -> None:
        outputs = {
            loss: of_loss.changed(lambda x: x[part]) for loss, of_loss in predictions.items()
        }
        require_all_finite(outputs, naming_among(part, names))

    errors = refused_rows(check, rows.table.row_numbers)
    finite = np.delete(np.arange(len(rows.table)), list(errors))
    return _of_rows(predictions, finite, rows.without(errors))


def _of_rows(
    predictions: Mapping[str, Predictions], usable: Array | slice, rows: UsableRows
) -> dict[str, Predictions]:
    """Return predictions for all rows, given some that include the usable rows."""
    return {
        loss: of_loss.changed(lambda array: array[usable]).with_errors(rows)
        for loss, of_loss in predictions.items()
    }


def _prepared_rows(member: Member, rows: UsableRows, name_sample: NamesSamples) -> UsableRows:
    """Return the rows that the preparation of one model accepts.

    An error in a column is looked for in that column alone.
    """
    while len(rows.table):
        names = naming_among(rows.positions, name_sample)
        try:
            member.prepare(rows.table, names)
        except DataError as error:
            check = _check(member, rows.table, names, error)
            errors = refused_rows(check, rows.table.row_numbers)
            if not errors:  # other rows were the reason, against the contract
                raise
            rows = rows.without(errors)
        else:
            break
    return rows


def _check(
    member: Member, table: Table, name_sample: NamesSamples, error: DataError
) -> Callable[[Array], object]:
    """Return a function that checks rows at some positions and raises such an error."""
    preparation, column = member.preparation, error.column or ""
    if column in (preparation.types or ()):
        alone, cells = preparation.of_column(column), table.columns[column]
        numbers = np.asarray(table.row_numbers)
        return lambda part: alone.apply(Table({column: cells[part]}, rows=numbers[part]))
    return lambda part: member.prepare(table.take(part), naming_among(part, name_sample))


def _blank_outputs(member: Member) -> dict[str, Array]:
    """Return placeholder outputs of one model for one sample."""
    model = member.model
    outputs = {}
    for head in member.heads:
        shape = model.output(head.output).output_shape
        outputs[head.name] = predictions_of(head.loss, np.zeros((1, *shape), model.dtype))
    return outputs
