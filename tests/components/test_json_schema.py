"""The JSON Schema of a single class: its own fields, whatever is installed."""

from __future__ import annotations

import json

from declnet import RunSpec
from declnet.components.json_schema import KIND
from declnet_layers import Dense
from declnet_schedules import Warmup


def test_a_table_has_its_type_first():
    schema = Dense.model_json_schema()
    assert next(iter(schema["properties"].items())) == ("type", {"const": "dense"})
    assert schema["required"] == ["type", "units"]


def test_a_field_typed_by_a_contract_says_which_kind_it_takes_and_no_more():
    taken = Dense.model_json_schema()["properties"]["weight_initializer"]
    assert taken[KIND] == "initializer"
    assert taken["type"] == ["string", "object"]
    assert taken["default"] == {"type": "glorot_uniform"}
    assert "he_normal" not in json.dumps(Dense.model_json_schema())


def test_a_number_or_a_component_of_its_own_kind():
    following = Warmup.model_json_schema()["properties"]["schedule"]
    assert following[KIND] == "schedule"
    assert following["type"] == ["number", "string", "object"]
    assert following["minimum"] == 0


def test_the_whole_spec_has_a_schema():
    schema = RunSpec.model_json_schema()
    assert set(schema["required"]) == {"model", "loss", "optimizer", "training"}
    assert len(json.dumps(schema)) < 10_000
