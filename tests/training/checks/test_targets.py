"""Data whose y does not fit the model's output under the loss."""

from __future__ import annotations

import numpy as np
import pytest

UNITS = "model.layers.2.units"


def test_units_that_do_not_fit_the_labels_are_told_at_the_layer_that_has_them(problems, document):
    document["model"]["layers"][2]["units"] = 2
    (found,) = problems(document)
    assert found.startswith("model.layers.2.units: error[E040]: 2 units do not fit the labels, ")
    assert "which have 3 classes" in found


def test_the_last_units_are_told_though_the_layer_before_has_as_many(problems, document):
    for index in (0, 2):
        document["model"]["layers"][index]["units"] = 2
    (found,) = problems(document)
    assert found.startswith(f"{UNITS}: error[E040]: ")


@pytest.mark.parametrize(
    ("y", "where", "message"),
    [
        (
            np.eye(2)[np.arange(30) % 2],
            f"{UNITS}: error[E040]",
            "3 units do not fit one-hot labels of 2 classes",
        ),
        (
            np.eye(4)[np.arange(30) % 4],
            f"{UNITS}: error[E040]",
            "3 units do not fit one-hot labels of 4 classes",
        ),
        (
            np.arange(30) % 4,
            f"{UNITS}: error[E040]",
            "3 units do not fit the labels, which have 4 classes",
        ),
        (
            np.arange(30) % 3 + 1,
            f"{UNITS}: error[E040]",
            "3 units do not fit the labels, which go from 1 to 3",
        ),
        (
            np.linspace(0, 1, 30),
            "loss: error[E041]",
            "needs labels, integers or one-hot, but y holds numbers",
        ),
        (
            np.ones((30, 1)),
            "loss: error[E041]",
            "needs labels, integers or one-hot, but y holds numbers",
        ),
    ],
)
def test_targets_that_do_not_fit_a_loss_of_classes(
    problems, document, blobs, tmp_path, y, where, message
):
    np.savez(tmp_path / "data.npz", x=blobs[0], y=y)
    (found,) = problems(document)
    assert found.startswith(f"{where}: ")
    assert message in found
    assert "data.train" in found


@pytest.fixture
def regression(document):
    """The document with a loss of numbers: one unit and nothing after it."""
    document["model"]["layers"][2:] = [{"type": "dense", "units": 1}]
    document["loss"] = "mean_squared_error"
    document["training"]["metrics"] = []
    return document


@pytest.mark.parametrize(
    ("shape", "units"), [((30,), 1), ((30, 1), 1), ((30, 4), 4), ((30, 2, 2), (2, 2))]
)
def test_numbers_that_fit(problems, regression, tmp_path, blobs, shape, units):
    np.savez(tmp_path / "data.npz", x=blobs[0], y=np.linspace(0, 1, np.prod(shape)).reshape(shape))
    if isinstance(units, tuple):
        regression["model"]["layers"][2]["units"] = int(np.prod(units))
        regression["model"]["layers"].append({"type": "reshape", "shape": list(units)})
    else:
        regression["model"]["layers"][2]["units"] = units
    assert problems(regression) == []


@pytest.mark.parametrize(
    ("shape", "units", "message"),
    [
        ((30,), 2, "the model's output has shape (2,), but y has one number a sample"),
        ((30, 3), 1, "the model's output has shape (1,), but y has shape (3,)"),
        ((30, 2, 2), 4, "the model's output has shape (4,), but y has shape (2, 2)"),
    ],
)
def test_numbers_that_do_not_fit(problems, regression, tmp_path, blobs, shape, units, message):
    np.savez(tmp_path / "data.npz", x=blobs[0], y=np.linspace(0, 1, np.prod(shape)).reshape(shape))
    regression["model"]["layers"][2]["units"] = units
    (found,) = problems(regression)
    assert found.startswith(f"{UNITS}: error[E041]: {message}")


def test_a_last_layer_of_more_dimensions_is_told_itself(problems, document):
    document["model"]["layers"].append({"type": "reshape", "shape": [3, 1]})
    found = [line for line in problems(document) if "E041" in line]
    assert found[0].startswith("model.layers.4: error[E041]: categorical_crossentropy needs a last")


def test_where_no_units_decide_the_shape_the_last_layer_that_changes_it_is_told(problems, document):
    document["model"]["layers"] = [{"type": "dense", "units": 4}, "flatten", "softmax"]
    document["model"]["layers"][1] = {"type": "concatenate", "inputs": ["dense_1", "dense_1"]}
    document["model"]["layers"][0]["units"] = 1
    (found,) = [line for line in problems(document) if "E040" in line]
    assert found.startswith("model.layers.1: error[E040]: 2 units do not fit")


def test_the_first_data_set_that_does_not_fit_is_told(problems, document, tmp_path, blobs):
    for name, classes in (("valid", 4), ("test", 5)):
        np.savez(tmp_path / f"{name}.npz", x=blobs[0], y=np.arange(30) % classes)
    document["data"]["validation"] = {"type": "npz", "path": str(tmp_path / "valid.npz")}
    document["data"]["test"] = {"type": "npz", "path": str(tmp_path / "test.npz")}
    (found,) = problems(document)
    assert "which have 4 classes (data.validation)" in found


def test_a_source_that_does_not_say_its_classes_is_believed(problems, document):
    document["data"]["train"] = {"type": "nnfs_spiral", "samples": 10, "classes": 3}
    assert problems(document) == []


def test_labels_that_do_not_count_from_zero_are_told_at_the_file(
    problems, document, blobs, tmp_path
):
    np.savez(tmp_path / "data.npz", x=blobs[0], y=np.arange(30) % 3 - 1)
    (found,) = problems(document)
    assert found.startswith("data.train.path: error[E042]: the labels of data.train begin at -1")
