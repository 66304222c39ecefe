"""The JSON Schema of components that hold components, their own kind included."""

from __future__ import annotations

import json

from declnet import RunSpec
from declnet_layers import Dense
from declnet_schedules import Warmup


def test_a_component_that_holds_its_own_kind_has_a_schema_with_an_end():
    following = Warmup.model_json_schema()["properties"]["schedule"]["anyOf"]
    assert following[0] == {"type": "number", "minimum": 0}
    assert len(json.dumps(following)) < 20_000


def test_a_field_typed_by_a_contract_takes_any_table_or_name_of_its_kind():
    taken = Dense.model_json_schema()["properties"]["weight_initializer"]
    assert "he_normal" in json.dumps(taken)
    assert taken["oneOf"][-1]["enum"] == sorted(taken["oneOf"][-1]["enum"])


def test_the_whole_spec_has_a_schema():
    schema = RunSpec.model_json_schema()
    assert set(schema["required"]) == {"model", "loss", "optimizer", "training"}
    assert len(json.dumps(schema)) < 1_000_000
