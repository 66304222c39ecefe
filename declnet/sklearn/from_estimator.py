"""`from_estimator`: a fitted scikit-learn estimator as a predictor of declnet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from declnet import Predictor, default_registry


def from_estimator(estimator: Any, out: str | Path | None = None) -> Predictor:
    """Return a fitted estimator or pipeline of scikit-learn as a predictor.

    Linear and logistic regression and scikit-learn's networks become layers; scalers, imputers and
    encoders become transforms. Predictions are compared with the estimator's on rows made from what
    it learned, with missing, unknown and extreme cells.

    Args:
        estimator: the fitted estimator.
        out: a new or empty folder for a run, which predicts, exports and serves; default: nothing
            is written.

    Raises:
        DataError: it is not a fitted estimator, or the predictions differ.
        DeclnetError: a part of it is not supported; the error lists all of them.
        OutputError: the folder is not empty.
    """
    registry = default_registry()
    importer = registry.find("importer", "sklearn")()
    folder = None if out is None else Path(out)
    return Predictor([importer.imported(estimator, registry, folder).member])
