"""Metrics that cannot compare the model's output with y."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from declnet import DataInfo, Loss, RunContext, default_registry


def metrics(names):
    return tuple(default_registry().find("metric", name)() for name in names.split())


def top(k):
    return default_registry().find("metric", "top_k_accuracy")(k=k)


OF_CLASSES = (*metrics("accuracy"), top(2))
OF_COUNTS = metrics("f1 precision recall")
OF_VALUES = metrics(
    "mean_absolute_error mean_absolute_percentage_error mean_error mean_squared_error r2"
    " regression_accuracy root_mean_squared_error spearman"
)
OF_AGREEMENT = metrics("cohen_kappa matthews")
OF_PROBABILITIES = metrics(
    "brier calibration_slope expected_calibration_error log_loss refined_log_loss"
)
OF_BINARY = (*OF_COUNTS, *metrics("binary_accuracy roc_auc"))
ALL = (*OF_CLASSES, *OF_VALUES, *OF_AGREEMENT, *OF_PROBABILITIES, *OF_BINARY)

ONE, THREE = ([{"type": "dense", "units": units}] for units in (1, 3))
GRID = [{"type": "dense", "units": 6}, {"type": "reshape", "shape": [3, 2]}]
SOFTMAX, SIGMOIDS, SIGMOID = [*THREE, "softmax"], [*THREE, "sigmoid"], [*ONE, "sigmoid"]
OF_OUTPUTS = (*OF_VALUES, *metrics("binary_accuracy"))
OF_LABELS = (*OF_AGREEMENT, *OF_PROBABILITIES)
CLASSES, BINARY, SQUARES = "categorical_crossentropy", "binary_crossentropy", "mean_squared_error"
QUANTILES = {"type": "quantile", "quantiles": [0.1, 0.5, 0.9]}

X = np.zeros((3, 4))
LABELS, ANSWERS = (DataInfo.of(X, np.array(y)) for y in ([0, 1, 2], [0, 1, 1]))
ONE_HOT, NUMBERS = DataInfo.of(X, np.eye(3)), DataInfo.of(X, np.zeros(3))


@pytest.mark.parametrize(
    ("metrics", "layers", "data", "loss", "message"),
    [
        (ALL, [], None, None, None),  # nothing is known
        ((*OF_CLASSES, *OF_COUNTS), SOFTMAX, LABELS, CLASSES, None),
        ((*OF_CLASSES, *OF_COUNTS), SOFTMAX, ONE_HOT, CLASSES, None),
        (OF_CLASSES, ONE, ANSWERS, BINARY, "needs a unit for each class.*binary_accuracy"),
        (OF_CLASSES, ONE, NUMBERS, BINARY, "needs a unit for each class.*binary_accuracy"),
        (OF_CLASSES, ONE, ANSWERS, SQUARES, "needs a unit for each class.*binary_accuracy"),
        (OF_CLASSES, ONE, NUMBERS, SQUARES, "needs a unit for each class.*regression_accuracy"),
        (OF_CLASSES, ONE, NUMBERS, None, "needs a unit for each class.*regression_accuracy"),
        (OF_CLASSES, SIGMOID, ANSWERS, CLASSES, None),  # the loss reports it
        ((*OF_CLASSES, *OF_COUNTS), GRID, None, SQUARES, ""),
        ((*OF_CLASSES, *OF_COUNTS), GRID, None, CLASSES, None),  # the loss reports it
        ((top(3),), SOFTMAX, None, None, "k = 3 of 3 classes"),
        ((top(5),), SOFTMAX, None, None, "k = 5 of 3 classes"),
        (metrics("roc_auc"), SIGMOID, ANSWERS, None, None),
        (metrics("roc_auc"), SOFTMAX, LABELS, None, ""),
        (OF_OUTPUTS, SOFTMAX, LABELS, CLASSES, "data.train has one number per sample.*accuracy"),
        (OF_OUTPUTS, SOFTMAX, ONE_HOT, CLASSES, None),
        (OF_OUTPUTS, ONE, NUMBERS, SQUARES, None),
        (OF_OUTPUTS, ONE, ANSWERS, SQUARES, None),
        (OF_VALUES, THREE, NUMBERS, QUANTILES, "leave it out:"),
        (OF_VALUES, THREE, LABELS, SQUARES, None),  # the loss reports it
        (OF_BINARY, ONE, LABELS, SQUARES, "the labels of data.train go up to 2"),
        (OF_BINARY, ONE, ANSWERS, SQUARES, None),
        (OF_BINARY, ONE, LABELS, BINARY, None),  # the loss reports it
        (OF_LABELS, SIGMOIDS, ONE_HOT, BINARY, "each of the 3 units is a separate label"),
        (OF_LABELS, SIGMOID, ANSWERS, BINARY, None),
        (OF_LABELS, SOFTMAX, LABELS, CLASSES, None),
        (OF_PROBABILITIES, [*ONE, "linear"], ANSWERS, SQUARES, "output is not probabilities"),
        (OF_PROBABILITIES, [*ONE, "linear"], ANSWERS, "hinge", "output is not probabilities"),
        (OF_PROBABILITIES, SIGMOID, ANSWERS, SQUARES, None),
    ],
)
def test_incomparable_outputs_are_reported(metrics, layers, data, loss, message, outline_of):
    context = outline_of(*layers, data=data, loss=loss) if layers else RunContext()
    for metric in metrics:
        findings = [*metric.check(context)]
        assert [finding.code for finding in findings] == ["E044"] * (message is not None)
        for finding in findings:
            assert re.search(message, f"{finding.message} {finding.help}")


class Comparison(Loss):
    """Predicts from two scores which of them is larger."""

    type = "comparison"
    targets = "binary"

    def prepare(self, y, output_shape, dtype):
        if output_shape != (2,):
            raise ValueError("needs two scores")
        return super().prepare(y, (1,), dtype)

    def predictions(self, y_pred):
        return 1 / (1 + np.exp(y_pred[:, 1:] - y_pred[:, :1]))


@pytest.mark.parametrize("metric", metrics("roc_auc cohen_kappa log_loss"))
@pytest.mark.parametrize(("units", "codes"), [(2, []), (3, ["E044"])])
def test_a_loss_may_predict_one_number_from_several_units(
    metric, units, codes, outline_of, codes_of
):
    context = outline_of({"type": "dense", "units": units}, data=ANSWERS)
    assert codes_of(metric, replace(context, loss=Comparison())) == codes
