"""Metrics, one per file."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_standard.metrics.accuracy import Accuracy as Accuracy
    from declnet_standard.metrics.binary_accuracy import BinaryAccuracy as BinaryAccuracy
    from declnet_standard.metrics.f1 import F1 as F1
    from declnet_standard.metrics.mean_absolute_error import MeanAbsoluteError as MeanAbsoluteError
    from declnet_standard.metrics.mean_squared_error import MeanSquaredError as MeanSquaredError
    from declnet_standard.metrics.precision import Precision as Precision
    from declnet_standard.metrics.r2 import R2 as R2
    from declnet_standard.metrics.recall import Recall as Recall
    from declnet_standard.metrics.regression_accuracy import (
        RegressionAccuracy as RegressionAccuracy,
    )
    from declnet_standard.metrics.roc_auc import RocAuc as RocAuc
    from declnet_standard.metrics.top_k_accuracy import TopKAccuracy as TopKAccuracy

METRICS = {
    "accuracy": "Accuracy",
    "binary_accuracy": "BinaryAccuracy",
    "f1": "F1",
    "mean_absolute_error": "MeanAbsoluteError",
    "mean_squared_error": "MeanSquaredError",
    "precision": "Precision",
    "r2": "R2",
    "recall": "Recall",
    "regression_accuracy": "RegressionAccuracy",
    "roc_auc": "RocAuc",
    "top_k_accuracy": "TopKAccuracy",
}

__getattr__ = lazy_names(__name__, {name: file for file, name in METRICS.items()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce this package's components; each is imported when a spec names it."""
    for file, name in METRICS.items():
        register.lazily("metric", file, f"{__name__}.{file}:{name}")
