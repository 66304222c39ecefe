"""Metrics."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_plugins.standard.metrics.agreement import CohenKappa as CohenKappa
    from declnet_plugins.standard.metrics.agreement import Matthews as Matthews
    from declnet_plugins.standard.metrics.classification import F1 as F1
    from declnet_plugins.standard.metrics.classification import Accuracy as Accuracy
    from declnet_plugins.standard.metrics.classification import AveragePrecision as AveragePrecision
    from declnet_plugins.standard.metrics.classification import BinaryAccuracy as BinaryAccuracy
    from declnet_plugins.standard.metrics.classification import Precision as Precision
    from declnet_plugins.standard.metrics.classification import Recall as Recall
    from declnet_plugins.standard.metrics.classification import RocAuc as RocAuc
    from declnet_plugins.standard.metrics.classification import TopKAccuracy as TopKAccuracy
    from declnet_plugins.standard.metrics.probabilities import Brier as Brier
    from declnet_plugins.standard.metrics.probabilities import (
        ExpectedCalibrationError as ExpectedCalibrationError,
    )
    from declnet_plugins.standard.metrics.probabilities import LogLoss as LogLoss
    from declnet_plugins.standard.metrics.regression import R2 as R2
    from declnet_plugins.standard.metrics.regression import MeanAbsoluteError as MeanAbsoluteError
    from declnet_plugins.standard.metrics.regression import (
        MeanAbsolutePercentageError as MeanAbsolutePercentageError,
    )
    from declnet_plugins.standard.metrics.regression import MeanSquaredError as MeanSquaredError
    from declnet_plugins.standard.metrics.regression import RegressionAccuracy as RegressionAccuracy
    from declnet_plugins.standard.metrics.regression import Spearman as Spearman

METRICS = {
    "accuracy": ("classification", "Accuracy"),
    "average_precision": ("classification", "AveragePrecision"),
    "binary_accuracy": ("classification", "BinaryAccuracy"),
    "brier": ("probabilities", "Brier"),
    "cohen_kappa": ("agreement", "CohenKappa"),
    "expected_calibration_error": ("probabilities", "ExpectedCalibrationError"),
    "f1": ("classification", "F1"),
    "log_loss": ("probabilities", "LogLoss"),
    "matthews": ("agreement", "Matthews"),
    "mean_absolute_error": ("regression", "MeanAbsoluteError"),
    "mean_absolute_percentage_error": ("regression", "MeanAbsolutePercentageError"),
    "mean_squared_error": ("regression", "MeanSquaredError"),
    "precision": ("classification", "Precision"),
    "r2": ("regression", "R2"),
    "recall": ("classification", "Recall"),
    "regression_accuracy": ("regression", "RegressionAccuracy"),
    "roc_auc": ("classification", "RocAuc"),
    "spearman": ("regression", "Spearman"),
    "top_k_accuracy": ("classification", "TopKAccuracy"),
}

__getattr__ = lazy_names(__name__, {name: file for file, name in METRICS.values()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce this package's components; each is imported when a spec names it."""
    for type_name, (file, _) in METRICS.items():
        register.lazily("metric", type_name, f"{__name__}.{file}")
