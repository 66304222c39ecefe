"""Declared traits of every metric: which values are better, and its name in log lines."""

from __future__ import annotations

from declnet import default_registry


def own_metrics():
    entries = default_registry().entries("metric")
    return [each.component for each in entries if each.plugin.name == "metrics"]


def test_abbreviations_in_log_lines():
    found = {each.type: each.abbreviation for each in own_metrics() if each.abbreviation}
    assert found == {"accuracy": "acc", "mean_absolute_percentage_error": "mape"}


def test_a_perfect_prediction_is_the_better_one(value_of):
    """The declared direction matches the actual numbers."""
    truths = {
        "classes": ([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.0, 0.1, 0.9]], [0, 1, 2]),
        "values": ([[1.0], [2.0], [4.0]], [1.0, 2.0, 4.0]),
        "binary": ([[0.1], [0.8], [0.9]], [0, 1, 1]),
    }
    wrongs = {"classes": [2, 0, 1], "values": [4.0, -1.0, 2.0], "binary": [1, 0, 0]}
    sorts = {
        "classes": "accuracy cohen_kappa f1 precision recall top_k_accuracy",
        "values": "mean_absolute_error mean_absolute_percentage_error mean_squared_error r2"
        " regression_accuracy spearman",
        "binary": "average_precision binary_accuracy brier expected_calibration_error log_loss"
        " matthews roc_auc",
    }
    tried = set()
    for sort, names in sorts.items():
        y_pred, right = truths[sort]
        for metric in own_metrics():
            if metric.type in names.split():
                made = metric(k=1) if metric.type == "top_k_accuracy" else metric()
                best, worst = (value_of(made, y_pred, y) for y in (right, wrongs[sort]))
                assert (best > worst) == (metric.better == "higher"), metric.type
                assert best != worst
                tried.add(metric.type)
    assert len(tried) == 19
