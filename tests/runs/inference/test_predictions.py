"""Predictions derived from outputs, by loss and target."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet import Loss
from declnet.data.preparing.target_encoding import TargetEncoding
from declnet.runs.inference.predictions import OutputReading


def spec_with(loss, metrics=()):
    return declnet.parse_spec(
        {
            "declnet": 1,
            "model": {"layers": [{"type": "dense", "units": 1}]},
            "loss": loss,
            "optimizer": "adam",
            "training": {"epochs": 1, "metrics": list(metrics)},
        }
    )


def reading(loss, shape, classes=None, metrics=()):
    target = None if classes is None else TargetEncoding("y", classes)
    spec = spec_with("hinge" if isinstance(loss, Loss) else loss, metrics)
    if isinstance(loss, Loss):
        spec = spec.model_copy(update={"loss": loss})
    return OutputReading.from_head(spec.heads[0], shape, np.dtype(float), target)


OUTPUTS = np.array([[0.2, 0.7, 0.1], [0.5, 0.1, 0.4]], np.float32)


@pytest.mark.parametrize(
    ("classes", "said", "names"),
    [
        (None, [1, 0], ("0", "1", "2")),
        (("a", "b", "c"), ["b", "a"], ("a", "b", "c")),
        ((3, 5, 7), [5, 3], ("3", "5", "7")),
        ((3, 5), ["5", "3"], ("3", "5", "unit 3")),
    ],
)
def test_the_largest_unit_is_the_class(classes, said, names):
    prediction = reading("categorical_crossentropy", (3,), classes).read(OUTPUTS)
    assert prediction.prediction.tolist() == said
    assert prediction.class_names == names
    assert np.array_equal(prediction.probabilities, OUTPUTS)
    assert list(prediction.columns()) == ["prediction", *(f"probability_{name}" for name in names)]


@pytest.mark.parametrize(
    ("units", "y", "expected"),
    [
        (3, [2, 0, 1], [2, 0, 1]),
        (3, [[2], [0], [1]], [2, 0, 1]),
        (3, np.eye(3)[[2, 0, 1]], [2, 0, 1]),
        (1, [1, 0, 1], [1, 0, 1]),
        (1, [[1.0], [0.0], [1.0]], [1, 0, 1]),
        (1, [True, False, True], [1, 0, 1]),
        (2, np.array([[1, 0], [0, 1], [1, 1]], np.float32), [[1, 0], [0, 1], [1, 1]]),
    ],
)
def test_true_labels_of_every_form(units, y, expected):
    loss = "categorical_crossentropy" if units == 3 else "binary_crossentropy"
    labels = reading(loss, (units,)).true_labels(np.array(y))
    assert (labels.tolist(), labels.dtype) == (expected, np.intp)


class Declared(Loss):
    """A third-party loss; each test sets its declarations."""

    type = "declared"

    def forward(self, y_pred, y_true, losses):
        losses[...] = 0

    def backward(self, y_pred, y_true, dy_pred):
        dy_pred[...] = 0


def declared(**traits):
    return type("Declared", (Declared,), traits)()


@pytest.mark.parametrize(
    ("takes", "threshold", "probabilities"),
    [
        (None, 0.5, True),
        (None, 0.0, False),
        ("distribution", 0.5, True),
        ("probabilities", 0.3, True),
        ("logits", 0.5, True),
        ("scores", 0.5, False),
        ("values", 0.5, False),
    ],
)
@pytest.mark.parametrize("units", [1, 2])
def test_the_loss_says_whether_there_are_probabilities(takes, threshold, probabilities, units):
    loss = declared(targets="binary", takes=takes, threshold=threshold)
    prediction = reading(loss, (units,)).read(np.full((3, units), 0.4))
    assert (prediction.probabilities is not None) == probabilities
    assert (prediction.prediction == (threshold < 0.4)).all()


def test_predictions_may_have_another_shape_than_the_output():
    """The prediction of a loss over means and variances is the mean."""

    def means(self, y_pred):
        return y_pred[:, :1]

    reader = reading(declared(takes="values", predictions=means), (2,))
    assert (reader.task, reader.outputs) == ("values", 1)
    assert reader.read(np.array([[1.0], [2.0]])).prediction.tolist() == [1.0, 2.0]
    one_of_two = declared(targets="binary", takes="logits", predictions=means)
    assert reading(one_of_two, (2,)).task == "binary"


def test_the_threshold_of_a_metric_counts():
    metrics = [{"type": "binary_accuracy", "threshold": 0.2}]
    prediction = reading("binary_crossentropy", (1,), None, metrics).read(np.array([[0.3], [0.1]]))
    assert prediction.prediction.tolist() == [1, 0]


def test_each_of_several_units_is_a_yes_or_no_label():
    prediction = reading("binary_crossentropy", (2,)).read(np.array([[0.3, 0.8], [0.9, 0.1]]))
    assert prediction.prediction.tolist() == [[0, 1], [1, 0]]
    columns = prediction.columns()
    assert list(columns) == ["prediction_1", "prediction_2", "probability_1", "probability_2"]
    assert columns["prediction_2"].tolist() == [1, 0]
    assert columns["probability_1"].tolist() == [0.3, 0.9]
