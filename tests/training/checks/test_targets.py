"""Data whose y does not fit the loss or the model's output."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from declnet import DataInfo, Layer, Loss, default_registry
from declnet.graph.shapes import infer_network
from declnet.spec.partial import valid_parts
from declnet.training.checks.context import CheckedHead
from declnet.training.checks.targets import label_problems
from declnet_plugins.standard.data.arrays import NPZ
from declnet_plugins.standard.losses.classification import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Hinge,
)

UNITS = "model.layers.2.units"


@pytest.mark.parametrize(
    ("shape", "output", "message"),
    [
        ((30,), (1,), None),
        ((30, 1), (1,), None),
        ((30, 4), (4,), None),
        ((30, 2, 2), (2, 2), None),
        ((30,), (2,), "has shape (2,), but y has one number per sample"),
        ((30, 3), (1,), "has shape (1,), but y has shape (3,)"),
        ((30, 2, 2), (4,), "has shape (4,), but y has shape (2, 2)"),
    ],
)
def test_values_must_have_the_shape_of_the_output(
    problems, document, tmp_path, blobs, shape, output, message
):
    np.savez(tmp_path / "data.npz", x=blobs[0], y=np.linspace(0, 1, np.prod(shape)).reshape(shape))
    document["loss"], document["training"]["metrics"] = "mean_squared_error", []
    document["model"]["layers"][2:] = [{"type": "dense", "units": int(np.prod(output))}]
    if len(output) > 1:
        document["model"]["layers"].append({"type": "reshape", "shape": list(output)})
    messages = problems(document)
    assert len(messages) == (message is not None)
    for line in messages:
        assert line.startswith(f"{UNITS}: error[E041]: the model's output {message}")


def test_without_a_units_key_the_last_layer_that_changes_the_shape_is_reported(problems, document):
    document["model"]["layers"] = [{"type": "dense", "units": 4}, "flatten", "softmax"]
    document["model"]["layers"][1] = {"type": "concatenate", "inputs": ["dense_1", "dense_1"]}
    document["model"]["layers"][0]["units"] = 1
    (message,) = [line for line in problems(document) if "E040" in line]
    assert message.startswith("model.layers.1: error[E040]: 2 units do not fit")


def test_the_first_data_set_that_does_not_fit_is_reported(problems, document, tmp_path, blobs):
    for name, classes in (("valid", 4), ("test", 5)):
        np.savez(tmp_path / f"{name}.npz", x=blobs[0], y=np.arange(30) % classes)
    document["data"]["validation"] = {"type": "npz", "path": str(tmp_path / "valid.npz")}
    document["data"]["test"] = {"type": "npz", "path": str(tmp_path / "test.npz")}
    (message,) = problems(document)
    assert "which have 4 classes (data.validation)" in message


class OwnAnswers(Loss):
    """A third party's loss for binary targets."""

    type = "own_answers"
    targets = "binary"

    def forward(self, y_pred, y_true, losses):
        """Not called."""

    def backward(self, y_pred, y_true, dy_pred):
        """Not called."""


class OwnClasses(OwnAnswers):
    """A third party's loss for classes."""

    type = "own_classes"
    targets = "classes"


OF_CLASSES = pytest.mark.parametrize("loss", [CategoricalCrossentropy(), OwnClasses()])
OF_ANSWERS = pytest.mark.parametrize("loss", [BinaryCrossentropy(), Hinge(), OwnAnswers()])


def labels(*values: int) -> DataInfo:
    return DataInfo.of(np.zeros((len(values), 4)), np.array(values))


def declared(classes: int | None) -> DataInfo:
    return DataInfo((4,), target="classes", classes=classes)


def label_diagnostics(data, loss, units=3):
    """Return the diagnostics for the labels of data sets from files."""
    registry = default_registry()
    layers = [Layer.from_declaration({"type": "dense", "units": units})]
    infos = data if isinstance(data, dict) else {"train": data}
    sources = {name: NPZ(path=f"{name}.npz") for name in infos}
    parts = valid_parts({"data": sources, "loss": loss}, {})
    nodes = infer_network(layers, (4,), registry).nodes
    heads = [CheckedHead(parts.heads[0], nodes, infos)]
    return [*label_problems(SimpleNamespace(heads=heads, spec=parts, registry=registry))]


@OF_CLASSES
@pytest.mark.parametrize("data", [labels(0, 1, 2), declared(3), declared(None)])
def test_labels_from_0_to_the_last_unit_are_valid(data, loss):
    assert label_diagnostics(data, loss) == []


@pytest.mark.parametrize(
    "data",
    [
        {"train": labels(0, 1), "test": labels(2, 1)},  # a data set may lack a class
        {"train": labels(0, 1), "test": declared(None)},
        labels(0, 4),  # reported by the comparison of units
        DataInfo.of(np.zeros((3, 4)), np.eye(3, dtype=int) - 1),  # one-hot rows are not labels
    ],
)
def test_labels_that_are_valid_or_reported_by_another_check(data):
    assert label_diagnostics(data, CategoricalCrossentropy()) == []


@OF_ANSWERS
@pytest.mark.parametrize("data", [labels(0, 1), labels(1, 1), declared(2), declared(None)])
def test_binary_labels_are_0_and_1(data, loss):
    assert label_diagnostics(data, loss, units=1) == []
