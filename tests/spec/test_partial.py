"""What can be checked of a spec with errors."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from declnet import default_registry
from declnet.spec.partial import PartialSpec, valid_parts

FIELDS = {each.name for each in fields(PartialSpec)} - {"layers"}


@pytest.fixture
def parts(changed):
    """The valid parts of a document once it is changed."""

    def find(document, changes=None):
        context = {"registry": default_registry(), "folder": Path("/folder")}
        return valid_parts(changed(document, changes or {}), context)

    return find


@pytest.mark.parametrize(
    ("key", "value", "field", "left"),
    [
        ("loss", "nope", "heads", None),
        ("optimizer.learning_rate", "fast", "optimizer", None),
        ("training.epochs", 0, "training", {"batch_size": None, "log_every": 1}),
        ("model.initial_weights", 3, "model", {"initial_weights": None, "dtype": "float64"}),
        ("engine", {"kernels": "fast"}, "engine", {"kernels": "auto"}),
    ],
)
def test_only_invalid_parts_are_left_out(parts, document, key, value, field, left):
    right, found = parts(document), parts(document, {key: value})
    if field == "heads":
        assert found.heads[0].loss is None
        assert found.heads[0].metrics == right.heads[0].metrics
    elif left is None:
        assert getattr(found, field) is None
    else:
        assert {name: getattr(getattr(found, field), name) for name in left} == left
    for other in FIELDS - {field}:
        assert getattr(found, other) == getattr(right, other), other
    assert [each.layer for each in found.layers] == [each.layer for each in right.layers]


@pytest.mark.parametrize(
    "layer",
    [
        {"type": "dense", "units": 4, "unit": 3},
        {"type": "dense", "units": 4, "bias_initializer": {"type": "zeros", "std": 1}},
        {
            "type": "dense",
            "units": 4,
            "x": {"y": 1},
            "bias_regularizer": {"type": "l1_l2", "l3": 1},
        },
    ],
)
def test_a_component_whose_only_errors_are_unknown_keys_counts_without_them(parts, document, layer):
    found = parts(document, {"model.layers.0": layer}).layers[0].layer
    assert (found.type, found.units) == ("dense", 4)
