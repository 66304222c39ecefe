"""Which metrics find that they cannot compare the model's output with y."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from declnet import DataInfo, Loss, RunContext
from declnet_plugins.standard.metrics import (
    F1,
    R2,
    Accuracy,
    BinaryAccuracy,
    Brier,
    CohenKappa,
    ExpectedCalibrationError,
    LogLoss,
    Matthews,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    Precision,
    Recall,
    RegressionAccuracy,
    RocAuc,
    Spearman,
    TopKAccuracy,
)

OF_CLASSES = (Accuracy(), TopKAccuracy(k=2))
OF_COUNTS = (F1(), Precision(), Recall())
OF_VALUES = (
    MeanAbsoluteError(),
    MeanAbsolutePercentageError(),
    MeanSquaredError(),
    R2(),
    RegressionAccuracy(),
    Spearman(),
)
OF_AGREEMENT = (CohenKappa(), Matthews())
OF_PROBABILITIES = (Brier(), ExpectedCalibrationError(), LogLoss())
ALL = (
    *OF_CLASSES,
    *OF_COUNTS,
    *OF_VALUES,
    *OF_AGREEMENT,
    *OF_PROBABILITIES,
    BinaryAccuracy(),
    RocAuc(),
)

ONE, THREE = ({"type": "dense", "units": units} for units in (1, 3))
GRID = {"type": "reshape", "shape": [3, 2]}

X = np.zeros((3, 4))
LABELS, ANSWERS = (DataInfo.of(X, np.array(y)) for y in ([0, 1, 2], [0, 1, 1]))
ONE_HOT, NUMBERS = DataInfo.of(X, np.eye(3)), DataInfo.of(X, np.zeros(3))


def ids(metric):
    return metric.type


@pytest.mark.parametrize("metric", ALL, ids=ids)
def test_nothing_is_found_where_nothing_is_known(metric, codes_of):
    assert codes_of(metric, RunContext()) == []


@pytest.mark.parametrize("metric", [*OF_CLASSES, *OF_COUNTS], ids=ids)
@pytest.mark.parametrize("data", [LABELS, ONE_HOT])
def test_classes_are_compared_with_labels(metric, data, outline_of, codes_of):
    context = outline_of(THREE, "softmax", data=data, loss="categorical_crossentropy")
    assert codes_of(metric, context) == []


@pytest.mark.parametrize("metric", OF_CLASSES, ids=ids)
@pytest.mark.parametrize(
    ("loss", "data", "hint"),
    [
        ("binary_crossentropy", ANSWERS, "binary_accuracy"),
        ("binary_crossentropy", NUMBERS, "binary_accuracy"),
        ("mean_squared_error", ANSWERS, "binary_accuracy"),
        ("mean_squared_error", NUMBERS, "regression_accuracy"),
        (None, NUMBERS, "regression_accuracy"),
    ],
)
def test_one_unit_is_no_choice_of_classes(metric, loss, data, hint, outline_of):
    (finding,) = metric.check(outline_of(ONE, data=data, loss=loss))
    assert finding.code == "E044"
    assert finding.message.startswith(f"{metric.type} needs a unit for each class")
    assert hint in finding.help


@pytest.mark.parametrize("metric", OF_CLASSES, ids=ids)
def test_one_unit_is_reported_to_the_loss_of_classes_alone(metric, outline_of, codes_of):
    context = outline_of(ONE, "sigmoid", data=ANSWERS, loss="categorical_crossentropy")
    assert codes_of(metric, context) == []


@pytest.mark.parametrize("metric", [*OF_CLASSES, *OF_COUNTS], ids=ids)
def test_classes_are_one_axis(metric, outline_of, codes_of):
    layers = ({"type": "dense", "units": 6}, GRID)
    assert codes_of(metric, outline_of(*layers, loss="mean_squared_error")) == ["E044"]
    told_already = outline_of(*layers, loss="categorical_crossentropy")
    assert codes_of(metric, told_already) == []


@pytest.mark.parametrize("k", [3, 5])
def test_as_many_guesses_as_classes_are_always_right(k, outline_of):
    (finding,) = TopKAccuracy(k=k).check(outline_of(THREE, "softmax"))
    assert (finding.code, finding.path) == ("E044", ("k",))
    assert f"k = {k} of 3 classes" in finding.message


def test_the_k_of_one_unit_is_not_told_as_well(outline_of, codes_of):
    assert codes_of(TopKAccuracy(), outline_of(ONE)) == ["E044"]


def test_a_roc_curve_has_one_unit(outline_of, codes_of):
    assert codes_of(RocAuc(), outline_of(ONE, "sigmoid", data=ANSWERS)) == []
    assert codes_of(RocAuc(), outline_of(THREE, "softmax", data=LABELS)) == ["E044"]


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


@pytest.mark.parametrize("metric", [RocAuc(), CohenKappa(), LogLoss()], ids=ids)
@pytest.mark.parametrize(("units", "codes"), [(2, []), (3, ["E044"])])
def test_a_loss_may_predict_one_number_from_several_units(
    metric, units, codes, outline_of, codes_of
):
    context = outline_of({"type": "dense", "units": units}, data=ANSWERS)
    assert codes_of(metric, replace(context, loss=Comparison())) == codes


@pytest.mark.parametrize("metric", [*OF_VALUES, BinaryAccuracy()], ids=ids)
def test_labels_are_not_compared_with_each_output(metric, outline_of):
    context = outline_of(THREE, "softmax", data=LABELS, loss="categorical_crossentropy")
    (finding,) = metric.check(context)
    assert finding.code == "E044"
    assert "(3,), and y of data.train has one number per sample" in finding.message
    assert "accuracy" in finding.help


@pytest.mark.parametrize("metric", [*OF_VALUES, BinaryAccuracy()], ids=ids)
def test_rows_are_compared_with_each_output(metric, outline_of, codes_of):
    context = outline_of(THREE, "softmax", data=ONE_HOT, loss="categorical_crossentropy")
    assert codes_of(metric, context) == []


@pytest.mark.parametrize("metric", [*OF_VALUES, BinaryAccuracy()], ids=ids)
@pytest.mark.parametrize("data", [NUMBERS, ANSWERS])
def test_numbers_are_compared_with_one_output(metric, data, outline_of, codes_of):
    assert codes_of(metric, outline_of(ONE, data=data, loss="mean_squared_error")) == []


@pytest.mark.parametrize("metric", OF_VALUES, ids=ids)
def test_quantiles_are_no_predictions_of_single_numbers(metric, outline_of):
    loss = {"type": "quantile", "quantiles": [0.1, 0.5, 0.9]}
    (finding,) = metric.check(outline_of(THREE, data=NUMBERS, loss=loss))
    assert (finding.code, finding.help[:13]) == ("E044", "leave it out:")


@pytest.mark.parametrize("metric", OF_VALUES, ids=ids)
def test_what_the_loss_is_reported_is_not_repeated(metric, outline_of, codes_of):
    assert codes_of(metric, outline_of(THREE, data=LABELS, loss="mean_squared_error")) == []


@pytest.mark.parametrize("metric", [*OF_COUNTS, BinaryAccuracy(), RocAuc()], ids=ids)
def test_one_unit_tells_labels_of_0_and_1_apart(metric, outline_of):
    context = outline_of(ONE, data=LABELS, loss="mean_squared_error")
    (finding,) = metric.check(context)
    assert finding.code == "E044"
    assert "the labels of data.train go up to 2" in finding.message


@pytest.mark.parametrize("metric", [*OF_COUNTS, BinaryAccuracy(), RocAuc()], ids=ids)
@pytest.mark.parametrize(
    ("loss", "data"), [("mean_squared_error", ANSWERS), ("binary_crossentropy", LABELS)]
)
def test_answers_and_what_the_loss_is_reported_are_not_findings(
    metric, loss, data, outline_of, codes_of
):
    assert codes_of(metric, outline_of(ONE, data=data, loss=loss)) == []


@pytest.mark.parametrize("metric", [*OF_AGREEMENT, *OF_PROBABILITIES], ids=ids)
def test_several_answers_are_no_single_label(metric, outline_of, codes_of):
    data = DataInfo.of(X, np.eye(3))
    context = outline_of(THREE, "sigmoid", data=data, loss="binary_crossentropy")
    (finding,) = metric.check(context)
    assert finding.code == "E044"
    assert "each of the 3 units is a separate label" in finding.message
    one = outline_of(ONE, "sigmoid", data=ANSWERS, loss="binary_crossentropy")
    assert codes_of(metric, one) == []
    classes = outline_of(THREE, "softmax", data=LABELS, loss="categorical_crossentropy")
    assert codes_of(metric, classes) == []


@pytest.mark.parametrize("metric", OF_PROBABILITIES, ids=ids)
def test_probabilities_are_between_0_and_1(metric, outline_of, codes_of):
    for loss in ("mean_squared_error", "hinge"):
        (finding,) = metric.check(outline_of(ONE, "linear", data=ANSWERS, loss=loss))
        assert finding.code == "E044"
        assert "needs probabilities, but the model's output is not probabilities" in finding.message
    assert (
        codes_of(metric, outline_of(ONE, "sigmoid", data=ANSWERS, loss="mean_squared_error")) == []
    )
