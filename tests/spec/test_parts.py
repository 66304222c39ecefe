"""What can still be checked of a wrong spec."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from declnet import default_registry, parse_spec
from declnet.spec.parts import Parts, parts_of, right_parts

FIELDS = {each.name for each in fields(Parts)} - {"layers"}


@pytest.fixture
def parts(changed):
    """The right parts of a document once it is changed."""

    def find(document, changes=None):
        context = {"registry": default_registry(), "folder": Path("/folder")}
        return right_parts(changed(document, changes or {}), context)

    return find


def test_all_parts_of_a_right_spec_are_right(parts, document):
    document["data"]["validation"] = 0.25
    document["training"]["batch_size"] = 5
    document["model"]["layers"][0]["name"] = "first"
    document["model"]["initial_weights"] = "/w.safetensors"
    found, expected = parts(document), parts_of(parse_spec(document))
    for field in FIELDS:
        assert getattr(found, field) == getattr(expected, field), field
    layers = [[(each.layer, each.name) for each in side.layers] for side in (found, expected)]
    assert layers[0] == layers[1]
    assert (found.held_out, found.batch_size, found.dtype) == ({"validation": 0.25}, 5, "float64")


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        ("loss", "nope", "loss"),
        ("loss", 3, "loss"),
        ("loss.label_smoothing", 9, "loss"),
        ("optimizer.learning_rate", "fast", "optimizer"),
        ("training.batch_size", 0, "batch_size"),
        ("training.batch_size", True, "batch_size"),
        ("model.initial_weights", 3, "initial_weights"),
    ],
)
def test_what_is_wrong_is_left_out_alone(parts, document, key, value, field):
    right, found = parts(document), parts(document, {key: value})
    assert getattr(found, field) is None
    for other in FIELDS - {field}:
        assert getattr(found, other) == getattr(right, other), other
    assert [each.layer for each in found.layers] == [each.layer for each in right.layers]


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
def test_no_document_is_too_wrong(parts, document, key, value, dtype):
    found = parts(document, {key: value})
    assert found.loss is not None
    assert (found.held_out, found.dtype) == ({}, dtype)


def test_each_item_of_a_list_counts_by_itself(parts, document):
    document["training"]["metrics"] = ["nope", "accuracy", 3]
    found = parts(document, {"model.layers.0.units": "many", "model.layers.2.name": "last"})
    assert {at: each.type for at, each in found.metrics.items()} == {1: "accuracy"}
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
def test_a_component_whose_only_faults_are_unknown_keys_counts_without_them(parts, document, layer):
    found = parts(document, {"model.layers.0": layer}).layers[0].layer
    assert (found.type, found.units) == ("dense", 4)


def test_a_component_that_lacks_a_key_besides_does_not_count(parts, document):
    wrong = {"type": "dense", "unit": 4}
    assert parts(document, {"model.layers.0": wrong}).layers[0].layer is None


def test_only_data_that_is_missing_is_yet_to_be_told(parts, document):
    assert not parts(document).needs_source
    assert not parts(document, {"data.train": "nope"}).needs_source
    assert not parts(document, {"data": "nope"}).needs_source
    assert parts(document, {"data": {}}).needs_source
    del document["data"]
    assert parts(document).needs_source


def test_relative_paths_are_relative_to_the_folder(parts, document):
    changes = {"data.train.path": "a.npz", "model.initial_weights": "w.safetensors"}
    found = parts(document, changes | {"loss": "nope"})
    assert found.sources["train"].path == Path("/folder/a.npz")
    assert found.initial_weights == Path("/folder/w.safetensors")


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ({"type": "dense", "units": "8"}, "dense"),
        ("rellu", "relu"),
        ({"type": "lbfgs"}, "lbfgs"),
        ({"units": 8}, None),
        (3, None),
    ],
)
def test_of_a_wrong_layer_the_type_is_known_that_was_probably_meant(
    parts, document, layer, expected
):
    first = parts(document, {"model.layers.0": layer}).layers[0]
    assert (first.layer, first.type) == (None, expected)
