from __future__ import annotations

import copy

import pytest

from declnet import SpecError
from declnet.spec.overrides import apply_overrides, parse_override

DOCUMENT = {
    "model": {"layers": [{"type": "dense", "units": 4}, "relu"]},
    "loss": "mean_squared_error",
    "optimizer": {"type": "sgd", "learning_rate": 0.1},
}


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("training.epochs=10", "training.epochs", 10),
        ("optimizer.learning_rate=5e-2", "optimizer.learning_rate", 0.05),
        ("training.shuffle=false", "training.shuffle", False),
        ("model.dtype=float64", "model.dtype", "float64"),
        ('name="quoted name"', "name", "quoted name"),
        ('training.metrics=["accuracy"]', "training.metrics", ["accuracy"]),
        ('loss={type="x", a=1}', "loss", {"type": "x", "a": 1}),
        ("name=a=b", "name", "a=b"),
        ("name=", "name", ""),
        (" seed = 3", "seed", 3),
    ],
)
def test_values_are_read_as_toml_and_else_as_plain_strings(text, key, value):
    assert parse_override(text) == (key, value)


@pytest.mark.parametrize("text", ["training.epochs", "=3", "", " =3"])
def test_what_has_no_key_or_no_equals_sign_is_refused(text):
    with pytest.raises(SpecError, match="KEY=VALUE"):
        parse_override(text)


def test_a_value_is_replaced_and_the_document_left_alone():
    before = copy.deepcopy(DOCUMENT)
    changed = apply_overrides(DOCUMENT, {"model.layers.0.units": 32})
    assert changed["model"]["layers"] == [{"type": "dense", "units": 32}, "relu"]
    assert before == DOCUMENT


@pytest.mark.parametrize(
    ("key", "value", "path", "expected"),
    [
        ("seed", 7, ("seed",), 7),
        ("training.epochs", 5, ("training",), {"epochs": 5}),
        ("optimizer.decay", 0.5, ("optimizer", "decay"), 0.5),
        ("model.layers.1", "softmax", ("model", "layers", 1), "softmax"),
        ("model.layers.1.name", "r", ("model", "layers", 1), {"type": "relu", "name": "r"}),
        ("loss.weight", 2, ("loss",), {"type": "mean_squared_error", "weight": 2}),
        ("a.b.c", 1, ("a",), {"b": {"c": 1}}),
        ("data.0", 1, ("data",), {"0": 1}),
    ],
)
def test_keys_are_made_and_bare_names_become_tables(key, value, path, expected):
    place = apply_overrides(DOCUMENT, {key: value})
    for part in path:
        place = place[part]
    assert place == expected


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("model.layers.2.units", r"model\.layers has no item 2 \(its items are 0 to 1\)"),
        ("model.layers.-1.units", r"model\.layers has no item -1"),
        ("model.layers.first.units", r"model\.layers has no item first"),
        ("optimizer.learning_rate.rate", r"optimizer\.learning_rate is 0\.1, which has no keys"),
    ],
)
def test_a_key_that_leads_nowhere_is_refused(key, message):
    with pytest.raises(SpecError, match=message) as caught:
        apply_overrides(DOCUMENT, {key: 1})
    assert caught.value.source == "--set"


def test_all_wrong_keys_are_reported_together():
    with pytest.raises(SpecError) as caught:
        apply_overrides(DOCUMENT, {"model.layers.9": 1, "loss": "x", "optimizer.type.x": 1, "a": 1})
    assert len(caught.value.problems) == 1  # optimizer.type is a bare name, and becomes a table
    with pytest.raises(SpecError) as caught:
        apply_overrides(DOCUMENT, {"model.layers.9": 1, "optimizer.learning_rate.x": 1})
    assert len(caught.value.problems) == 2
