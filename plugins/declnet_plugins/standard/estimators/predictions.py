"""An estimator's own predictions, to compare declnet's with."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from declnet import Array
from declnet_plugins.exchange import ExportedPredictions, predictions_by_row


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
            predictions = predictions_by_row(lambda rows: self._predictions(columns, rows), count)
        return {"": predictions}

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
