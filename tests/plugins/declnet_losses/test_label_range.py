"""What losses find in the labels of the data."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import DataInfo
from declnet_losses import BinaryCrossentropy, CategoricalCrossentropy, Hinge

CLASSES = ({"type": "dense", "units": 3}, "softmax")
ANSWER = ({"type": "dense", "units": 1}, "sigmoid")
SCORE = ({"type": "dense", "units": 1},)


def labels(*values: int) -> DataInfo:
    return DataInfo.of(np.zeros((len(values), 4)), np.array(values))


def declared(classes: int | None) -> DataInfo:
    return DataInfo((4,), target="classes", classes=classes)


@pytest.mark.parametrize("data", [labels(0, 1, 2), declared(3), declared(None)])
def test_labels_from_0_to_the_last_unit_are_right(data, outline_of, codes_of):
    assert codes_of(CategoricalCrossentropy(), outline_of(*CLASSES, data=data)) == []


def test_labels_below_0_are_named_with_their_data_set(outline_of):
    data = {"train": labels(0, 1, 2), "test": labels(2, -1)}
    (finding,) = CategoricalCrossentropy().check(outline_of(*CLASSES, data=data))
    assert finding.code == "E042"
    assert finding.message == "the labels of data.test begin at -1, but must begin at 0"


@pytest.mark.parametrize("data", [labels(0, 1), declared(2)])
def test_more_units_than_classes_are_warned_of(data, outline_of):
    (finding,) = CategoricalCrossentropy().check(outline_of(*CLASSES, data=data))
    assert finding.code == "W001"
    assert finding.message == "the model has 3 units, but the labels have 2 classes"
    assert "2 units" in finding.help


@pytest.mark.parametrize("other", [labels(2, 1), declared(None)])
def test_a_class_may_be_missing_in_one_of_the_data_sets(other, outline_of, codes_of):
    data = {"train": labels(0, 1), "test": other}
    assert codes_of(CategoricalCrossentropy(), outline_of(*CLASSES, data=data)) == []


def test_fewer_units_than_classes_are_left_to_the_core(outline_of, codes_of):
    context = outline_of(*CLASSES, data=labels(0, 4))
    assert codes_of(CategoricalCrossentropy(), context) == []


def test_one_hot_rows_are_no_labels(outline_of, codes_of):
    data = DataInfo.of(np.zeros((3, 4)), np.eye(3, dtype=int) - 1)
    assert codes_of(CategoricalCrossentropy(), outline_of(*CLASSES, data=data)) == []


@pytest.mark.parametrize("data", [labels(0, 1), labels(1, 1), declared(2), declared(None)])
@pytest.mark.parametrize(("loss", "layers"), [(BinaryCrossentropy(), ANSWER), (Hinge(), SCORE)])
def test_answers_are_0_and_1(data, loss, layers, outline_of, codes_of):
    assert codes_of(loss, outline_of(*layers, data=data)) == []


@pytest.mark.parametrize(
    ("data", "span", "hint"),
    [
        (labels(-1, 1), "from -1 to 1", "number the two classes 0 and 1"),
        (labels(2, 1), "from 1 to 2", "number the two classes 0 and 1"),
        (labels(0, 1, 5), "from 0 to 5", "categorical_crossentropy"),
        (declared(3), "from 0 to 2", "categorical_crossentropy"),
    ],
)
@pytest.mark.parametrize(("loss", "layers"), [(BinaryCrossentropy(), ANSWER), (Hinge(), SCORE)])
def test_other_answers_are_named_with_their_data_set(data, span, hint, loss, layers, outline_of):
    (finding,) = loss.check(outline_of(*layers, data=data))
    assert finding.code == "E042"
    assert f"those of data.train go {span}" in finding.message
    assert finding.message.startswith(loss.type)
    assert hint in finding.help


def test_values_are_not_taken_for_labels(outline_of, codes_of):
    data = DataInfo.of(np.zeros((3, 4)), np.array([0.0, -1.0, 7.0]))
    assert codes_of(BinaryCrossentropy(), outline_of(*ANSWER, data=data)) == []
