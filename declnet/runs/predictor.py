"""The model of a run with the preparation of its data, for tables and arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.components.attribution import attributing_errors
from declnet.components.table import Table
from declnet.data.preparation import ARRAY, FittedPreparation
from declnet.data.python_table import as_table
from declnet.data.stacking import stacked
from declnet.errors import DataError
from declnet.graph.model import Model
from declnet.registry.registry import Registry
from declnet.runs.predictions import OutputReading, Predictions, predictions_of
from declnet.spec.model import RunSpec
from declnet.spec.requirements import registry_for


class Predictor:
    """A trained model and all that turns a user's data into predictions; safe in threads.

    Attributes:
        model: of the run, trained; its `predict` gives its output before `Loss.predictions`.
        preparation: what data goes through before the model; None if arrays are taken as they are.
        reading: how the predictions are read.
        spec: of the run.
        registry: where the run's names are looked up, as the run sees it.
    """

    def __init__(
        self,
        model: Model,
        preparation: FittedPreparation | None,
        spec: RunSpec,
        registry: Registry | None = None,
    ) -> None:
        self.model, self.preparation, self.spec = model, preparation, spec
        self.registry = registry_for(spec.plugins, registry)
        target = preparation.target if preparation is not None else None
        with attributing_errors(self.registry):
            self.reading = OutputReading.of(spec, model.output_shape, model.dtype, target)

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The classes in words, in the order of the probabilities; None if there are none."""
        return self.reading.class_names

    @property
    def features(self) -> tuple[str, ...] | None:
        """The columns that predictions are made from; None if the model was trained on arrays."""
        types = self.preparation.types if self.preparation is not None else None
        return tuple(types) if types is not None else None

    def predict(self, data: Any) -> Predictions:
        """Prepare samples as the training data was, and predict them; nothing is fitted anew.

        Args:
            data: a data frame (polars, pandas), a mapping of columns, a list of records or
                `Table`, with at least the columns `features`; or, if the model was trained on
                arrays, an array (n, *sample shape), or a table of as many columns as a sample has
                numbers, in their order.

        Raises:
            DataError: a column is missing or of another type, or a row cannot be prepared.
            ComponentError: a component raised, or returned what its contract does not allow.
        """
        with attributing_errors(self.registry):
            return self.predict_prepared(self.prepared(as_table(data)))

    def predict_prepared(self, x: Array) -> Predictions:
        """Predict samples x as the model takes them, which `prepared` gives."""
        return self.reading.read(predictions_of(self.spec.loss, self.model.predict(x)))

    def prepared(self, data: Table | Array, first_row: int = 1) -> Array:
        """Return x as the model takes it, of data as it was before the preparation.

        Args:
            data: records or an array.
            first_row: the number of an array's first sample, for messages.

        Raises:
            DataError: as `predict`.
        """
        if self.features is not None:
            return self._prepared(data)
        if isinstance(data, Table) and set(data.columns) != {ARRAY}:
            records = stacked(data, self.model.input_shape)
        elif isinstance(data, Table):
            records = data
        else:
            if data.ndim == 0:
                raise DataError("x is a single number; its first axis must be samples")
            records = Table({ARRAY: data}, rows=np.arange(first_row, first_row + len(data)))
        x = self._prepared(records)
        _require_finite(x, records)
        return x

    def _prepared(self, data: Table | Array) -> Array:
        if self.preparation is not None:
            return self.preparation.apply(data)
        if isinstance(data, Table):
            return data.columns[ARRAY]
        return data


def _require_finite(x: Array, records: Table) -> None:
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        wrong = ~np.isfinite(x).reshape(len(x), -1).all(axis=1)
        row = records.row_number(int(np.argmax(wrong)))
        raise DataError(f"sample {row} has a number that is NaN or infinite")
