"""What can be checked of a spec with errors."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from declnet import default_registry, parse_spec
from declnet.spec.partial import HeadPart, PartialSpec, valid_parts

FIELDS = {each.name for each in fields(PartialSpec)} - {"layers"}


@pytest.fixture
def parts(changed):
    """The valid parts of a document once it is changed."""

    def find(document, changes=None):
        context = {"registry": default_registry(), "folder": Path("/folder")}
        return valid_parts(changed(document, changes or {}), context)

    return find


def test_all_parts_of_a_valid_spec_are_valid(parts, document):
    document["data"]["validation"] = 0.25
    document["training"]["batch_size"] = 5
    document["model"]["layers"][0]["name"] = "first"
    document["model"]["initial_weights"] = "/w.safetensors"
    spec = parse_spec(document)
    found, expected = parts(document), valid_parts(dict(spec), {})
    for field in FIELDS:
        assert getattr(found, field) == getattr(expected, field), field
    layers = [[(each.layer, each.name) for each in side.layers] for side in (found, expected)]
    assert layers[0] == layers[1] == [(each, each.name) for each in spec.model.layers]
    for section in ("data", "model", "training", "engine", "optimizer"):
        assert getattr(expected, section) is getattr(spec, section)
    metrics = dict(enumerate(spec.training.metrics))
    assert expected.heads == (HeadPart("", spec.loss, metrics, targets="classes"),)


@pytest.mark.parametrize(
    ("key", "value", "field", "left"),
    [
        ("loss", "nope", "heads", None),
        ("loss.label_smoothing", 9, "heads", None),
        ("optimizer.learning_rate", "fast", "optimizer", None),
        ("training.batch_size", 0, "training", {"epochs": 3, "batch_size": None}),
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


def test_invalid_data_keeps_its_sources_and_fractions(parts, document):
    changes = {"data.validation": 0.25, "data.folds": 1, "data.prepare": ["nope"]}
    found = parts(document, changes)
    assert not found.is_data_valid
    assert (found.data.folds, found.data.prepare) == (None, ())
    assert found.data.fractions == {"validation": 0.25}
    assert list(found.data.sources) == ["train"]


@pytest.mark.parametrize(
    ("key", "value", "dtype"),
    [
        ("data", 3, "float64"),
        ("model", "x", "float32"),
        ("model.layers", "relu", "float64"),
        ("model.dtype", "float16", "float32"),
        ("training", [], "float64"),
        ("training.metrics", "accuracy", "float64"),
        ("data.train", ["npz"], "float64"),
        ("data.validation", "0.2", "float64"),
        ("data.validation", 2.0, "float64"),
    ],
)
def test_every_document_has_a_partial_spec(parts, document, key, value, dtype):
    found = parts(document, {key: value})
    assert found.heads[0].loss is not None
    assert (found.data.fractions, found.model.dtype) == ({}, dtype)


def test_each_item_of_a_list_counts_by_itself(parts, document):
    document["training"]["metrics"] = ["nope", "accuracy", 3]
    found = parts(document, {"model.layers.0.units": "many", "model.layers.2.name": "last"})
    assert {at: each.type for at, each in found.heads[0].metrics.items()} == {1: "accuracy"}
    types = [each.layer.type if each.layer else None for each in found.layers]
    assert types == [None, "relu", "dense", "softmax"]


def test_a_wrong_layer_keeps_its_name_and_its_place(parts, document):
    found = parts(document, {"model.layers.0": {"type": "dense", "units": 0, "name": "wide"}})
    assert (found.layers[0].layer, found.layers[0].name) == (None, "wide")
    found = parts(document, {"model.layers.0": {"type": "dense", "units": 0, "name": 3}})
    assert (found.layers[0].layer, found.layers[0].name) == (None, None)


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


def test_only_missing_data_remains_to_be_reported(parts, document):
    assert not parts(document).lacks_data
    assert not parts(document, {"data.train": "nope"}).lacks_data
    assert not parts(document, {"data": "nope"}).lacks_data
    assert parts(document, {"data": {}}).lacks_data
    del document["data"]
    assert parts(document).lacks_data


def test_relative_paths_are_relative_to_the_folder(parts, document):
    found = parts(document, {"model.initial_weights": "w.safetensors", "model.dtype": "float16"})
    assert found.model.initial_weights == Path("/folder/w.safetensors")


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ({"type": "dense", "unit": 4}, "dense"),
        ("rellu", "relu"),
        ({"type": "lbfgs"}, "lbfgs"),
        ({"units": 8}, None),
        (3, None),
    ],
)
def test_a_wrong_layer_has_the_type_that_was_probably_meant(parts, document, layer, expected):
    first = parts(document, {"model.layers.0": layer}).layers[0]
    assert (first.layer, first.type) == (None, expected)
