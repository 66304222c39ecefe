"""What predicts rows, opened by its name: a trained run, or what a `PredictionSource` opens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from declnet.contracts.annotations import Misfit
from declnet.contracts.arrays import Array
from declnet.contracts.attribution import attributing_errors
from declnet.contracts.data.data_source import DataSource
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.table import ColumnType, Table
from declnet.contracts.network.inputs import unwrapped
from declnet.contracts.returned import BrokenContractError, verified
from declnet.contracts.runs.prediction_source import (
    PredictedRows,
    PredictionSource,
    RowPredictor,
)
from declnet.data.columns import require_column
from declnet.data.typed_columns import readable_cells
from declnet.data.usable_rows import UsableRows
from declnet.errors import DataError, OutputError
from declnet.registry.registry import Registry
from declnet.runs.inference.predictions import Predictions, prediction_columns
from declnet.runs.inference.predictor import Predictor
from declnet.runs.loading import load_predictor
from declnet.runs.notices import Notice
from declnet.runs.storage.folder import reading
from declnet.spec.heads import label


@dataclass(frozen=True, eq=False)
class OpenedModel:
    """What predicts rows.

    Attributes:
        name: the name by which it was opened.
        predictor: it, opened.
        registry: where its components are looked up.
        source: the component that opened it; None for a run.
        like: the source of a run's training data, whose settings apply to other files.
    """

    name: str
    predictor: RowPredictor
    registry: Registry
    source: PredictionSource | None = None
    like: DataSource | None = None

    @property
    def column_types(self) -> Mapping[str, ColumnType] | None:
        """The columns of a table that it needs; None if it gets all columns, as text."""
        return self.predictor.column_types

    def predict(self, rows: Table) -> PredictedRows:
        """Return predictions for all rows, with the error of each row that has none.

        Args:
            rows: a table whose columns are text, or arrays as columns.

        Raises:
            DataError: the rows lack a column, or the error concerns more than single rows.
            ComponentError: a component failed or broke its contract.
        """
        usable, types = UsableRows.whole(rows), self.column_types
        if types is not None:
            for name in types:
                require_column(rows.columns, name)
            columns = {name: rows.columns[name] for name in types}
            needed = Table(columns, rows=np.asarray(rows.row_numbers), cells=rows.cells)
            usable = readable_cells(needed, types, rows.cells)
        errors = {position: error.message for position, error in usable.errors.items()}
        if not len(usable.table):
            return PredictedRows({}, frozenset(), errors)
        with attributing_errors(self.registry):
            predicted = self._verified(usable.table)
        errors |= {int(usable.positions[at]): why for at, why in predicted.errors.items()}
        scattered = {name: usable.scattered(column) for name, column in predicted.columns.items()}
        return PredictedRows(scattered, predicted.labels, errors)

    def _verified(self, rows: Table) -> PredictedRows:
        predicted = self.predictor.predict(rows)
        try:
            predicted.require_rows(len(rows))
        except Misfit as misfit:
            if self.source is None:
                raise
            raise BrokenContractError(self.source, "open", f"predicts {misfit}") from None
        return predicted


def open_model(
    name: str, registry: Registry, notice: Notice, *, allow_changes: bool = False
) -> OpenedModel:
    """Open what predicts rows.

    Args:
        name: a file or URL that a prediction source opens, or else what `load_predictor` takes.
        registry: where components are looked up.
        notice: called with each warning about a run.
        allow_changes: as for `load_predictor`.

    Raises:
        DeclnetError: it cannot be opened.
    """
    source = _source_of(name, registry)
    if source is not None:
        with attributing_errors(registry):
            return OpenedModel(name, _opened(source, name, registry), registry, source)
    predictor = load_predictor(name, registry, notice=notice, allow_changes=allow_changes)
    train = predictor.spec.data.train
    return OpenedModel(name, _of_run(name, predictor), predictor.registry, like=train)


def _opened(source: PredictionSource, name: str, registry: Registry) -> RowPredictor:
    missing = verified(PredictionSource.unavailable, source)
    if missing is not None:
        raise OutputError(f"{name}: cannot be opened: {missing}")
    return verified(PredictionSource.open, source, name, registry)


def _source_of(name: str, registry: Registry) -> PredictionSource | None:
    """Return the prediction source that opens a name; None for the folder of a run.

    Raises:
        OutputError: several open it, it is a URL that none opens, or a name that is too long.
    """
    is_url = "://" in name
    with reading(Path(name)):
        if not is_url and not Path(name).is_file():
            return None
    sources: list[PredictionSource] = []
    for entry in registry.entries(PredictionSource.kind):
        source: PredictionSource = entry.component()
        with attributing_errors(registry):
            if verified(PredictionSource.opens, source, name, registry):
                sources.append(source)
    if len(sources) > 1:
        types = ", ".join(source.type for source in sources)
        raise OutputError(f"{name}: several prediction sources open it: {types}")
    if is_url and not sources:
        raise OutputError(f"{name}: no installed prediction source opens such URLs")
    return sources[0] if sources else None


def _of_run(name: str, predictor: Predictor) -> RowPredictor:
    if predictor.windows is not None:
        message = "a forecast is made from several rows, so predictions cannot be compared by row"
        raise DataError(f"{name}: {message}")
    labels = {
        head.name
        for head, reading in zip(predictor.heads, predictor.readings, strict=True)
        if reading.task != "values"
    }

    def predict(rows: Table) -> PredictedRows:
        named = predictor.members[0].takes_named_arrays
        samples = Dataset(dict(rows.columns), {}, rows=rows.rows) if named else rows
        return predicted_rows(predictor.predict_part(samples, "empty"), labels)

    return RowPredictor(predict, predictor.column_types if predictor.feature_types else None)


def predicted_rows(predictions: Mapping[str, Predictions], classes: set[str]) -> PredictedRows:
    """Return the predictions of each loss as rows that can be compared.

    Args:
        predictions: by the name of the loss.
        classes: the losses whose predictions are classes.
    """
    columns: dict[str, Array] = dict(prediction_columns(unwrapped(predictions)))
    columns.pop("error", None)
    starts = tuple(label(name, "prediction") for name in classes)
    labels = {name for name in columns if name.startswith(starts)} if starts else set()
    labels |= {name for name in columns if columns[name].dtype.kind == "O"}
    errors = next(iter(predictions.values())).errors or {}
    messages = {position: error.message for position, error in errors.items()}
    return PredictedRows(columns, frozenset(labels), messages)
