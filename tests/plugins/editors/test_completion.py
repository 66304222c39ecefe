"""Completions that an editor offers, as Taplo gathers them."""

from __future__ import annotations

import pytest

from .taplo import offered_keys, offered_values

LAYER = ("model", "layers", 0)


@pytest.mark.parametrize(
    "path",
    [
        (),
        ("model",),
        ("training",),
        LAYER,
        (*LAYER, "weight_initializer"),
    ],
    ids=str,
)
def test_each_key_is_offered_once_and_explained(path, schema):
    keys = offered_keys(schema, *path)
    assert len(keys) == len(dict(keys)) > 0
    assert all(text for _, text in keys)


def test_keys_of_nested_components_are_offered_only_in_them(schema):
    assert not any("." in key for key, _ in offered_keys(schema, *LAYER))
    nested = dict(offered_keys(schema, *LAYER, "weight_initializer"))
    assert nested["gain"].startswith("orthogonal: ")
    schedule = ("optimizer", "learning_rate")
    for _ in range(3):
        schedule = (*schedule, "schedule")
        assert "start_factor" in dict(offered_keys(schema, *schedule))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (LAYER, "layer"),
        ((*LAYER, "weight_initializer"), "initializer"),
        (("optimizer", "learning_rate"), "schedule"),
        (("data", "train"), "data_source"),
        (("loss",), "loss"),
        (("training", "metrics", 0), "metric"),
    ],
    ids=str,
)
def test_names_of_types_are_offered_once_as_names_and_in_tables(path, kind, schema, own_registry):
    names = own_registry.types(kind)
    assert offered_values(schema, *path) == [*names, {}]
    assert offered_values(schema, *path, "type") == names


def test_completion_definitions_validate_nothing(schema):
    assert schema["anyOf"][0]["not"] == {}
    assert schema["anyOf"][1] == {}
    used = str({key: value for key, value in schema.items() if key not in ("anyOf", "definitions")})
    assert "completion" not in used
    for name, definition in schema["definitions"].items():
        assert ("completion" in str(definition)) <= name.startswith("completion")
