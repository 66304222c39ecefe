"""Metrics."""

from declnet import Register, hookimpl

METRICS = {
    "agreement": "cohen_kappa matthews",
    "classification": (
        "accuracy average_precision binary_accuracy f1 precision recall roc_auc top_k_accuracy"
    ),
    "probabilities": "brier calibration_slope expected_calibration_error log_loss refined_log_loss",
    "regression": (
        "mean_absolute_error mean_absolute_percentage_error mean_error mean_squared_error r2 "
        "regression_accuracy root_mean_squared_error spearman"
    ),
}
"""The types that each module defines."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the metrics; each module is imported when a spec names one of its types."""
    for module, types in METRICS.items():
        for type_ in types.split():
            register.lazily("metric", type_, f"{__name__}.{module}")
