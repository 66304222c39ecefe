"""An estimator's own predictions, to compare declnet's with."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from declnet import Array
from declnet_plugins.exchange import ExportedPredictions


@dataclass(frozen=True)
class OriginalPredictor:
    """What a fitted estimator predicts for raw columns.

    Attributes:
        source: the estimator.
        names: the names of its columns.
        takes_frame: whether it was fitted to a data frame.
    """

    source: Any
    names: Sequence[str]
    takes_frame: bool

    def __call__(self, columns: Mapping[str, Array]) -> Mapping[str, ExportedPredictions]:
        """Return the predictions; a row that the estimator refuses is not valid."""
        count = len(next(iter(columns.values())))
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                outputs, classes = self._predictions(columns, slice(None))
                valid = np.ones(count, bool)
            except ValueError:
                rows = [self._row(columns, row) for row in range(count)]
                valid = np.array([row is not None for row in rows])
                usual = next((row for row in rows if row is not None), None)
                if usual is None:
                    raise
                whole = [usual if row is None else row for row in rows]
                outputs, classes = (np.concatenate(parts) for parts in zip(*whole, strict=True))
        valid &= np.isfinite(outputs).reshape(count, -1).all(axis=1)
        return {"": ExportedPredictions(classes, outputs, valid=valid)}

    def _row(self, columns: Mapping[str, Array], row: int) -> tuple[Array, Array] | None:
        try:
            return self._predictions(columns, slice(row, row + 1))
        except ValueError:
            return None

    def _predictions(self, columns: Mapping[str, Array], rows: slice) -> tuple[Array, Array]:
        x = self._samples(columns, rows)
        predicted = np.asarray(self.source.predict(x))
        if not hasattr(self.source, "classes_"):
            return predicted.reshape(len(predicted), -1), predicted
        probabilities = np.asarray(self.source.predict_proba(x))
        return (probabilities[:, 1:] if probabilities.shape[1] == 2 else probabilities), predicted

    def _samples(self, columns: Mapping[str, Array], rows: slice) -> Any:
        """Return rows as the estimator takes them; columns that it does not use hold zeros."""
        count = len(next(iter(columns.values()))[rows])
        arrays = {}
        for name in self.names:
            array = columns[name][rows] if name in columns else np.zeros(count)
            if array.dtype.kind == "O":
                array = np.array([np.nan if cell is None else cell for cell in array], object)
            arrays[name] = array
        if self.takes_frame:
            import pandas as pd

            return pd.DataFrame(arrays)
        kind = object if any(array.dtype.kind == "O" for array in arrays.values()) else float
        return np.stack([array.astype(kind) for array in arrays.values()], axis=1)
