"""Tables of parameter groups: inherited values, dumps, and errors."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from declnet import parse_spec
from declnet.spec.model import resolved_document
from declnet_plugins.standard.optimizers.adam import Adam, AdamW
from declnet_plugins.standard.schedules import Cosine

BIASES = ("*.biases",)


def group_of(cls=AdamW, group=(), **fields):
    table = {"parameters": BIASES, **dict(group)}
    return cls(**fields, groups=[table]).groups[0]


def test_a_group_inherits_every_field_that_it_does_not_set():
    group = group_of(beta_1=0.5, decay=0.1, group={"weight_decay": 0.0})
    assert group.optimizer == AdamW(beta_1=0.5, decay=0.1, weight_decay=0.0)
    assert not group.has_own_rate


def test_a_spec_with_groups_is_read_back_as_written(document):
    cosine = {"type": "cosine", "initial_rate": 0.01}
    document["optimizer"] = {
        "type": "adamw",
        "groups": [
            {"parameters": ["*.biases"], "weight_decay": 0.0, "learning_rate_factor": 0.5},
            {"parameters": ["dense_2.*"], "type": "sgd", "learning_rate": cosine},
        ],
    }
    spec = parse_spec(document)
    first, second = resolved_document(spec)["optimizer"]["groups"]
    assert first == document["optimizer"]["groups"][0]
    assert second == {
        **document["optimizer"]["groups"][1],
        "learning_rate": {**cosine, "final_rate": 0.0},
    }
    assert parse_spec(resolved_document(spec)) == spec
    assert hash(spec.optimizer) == hash(parse_spec(document).optimizer)
    assert isinstance(spec.optimizer.groups[1].optimizer.learning_rate, Cosine)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"groups": [{}]}, {("groups", 0, "parameters"): "missing_key"}),
        ({"groups": [3]}, {("groups", 0): "component"}),
        (
            {"groups": [{"parameters": BIASES, "groups": []}]},
            {("groups", 0, "groups"): "unknown_key"},
        ),
        # an error of the optimizer is reported once, an error of a group at the group
        (
            {"beta_1": 2.0, "groups": [{"parameters": BIASES, "beta_2": 2.0}]},
            {("beta_1",): "less_than", ("groups", 0, "beta_2"): "less_than"},
        ),
        (
            {"decay": 0.1, "groups": [{"parameters": BIASES, "learning_rate": "cosine"}]},
            {("groups", 0, "learning_rate", "initial_rate"): "missing_key"},
        ),
    ],
)  # fmt: skip
def test_every_error_is_located_once(fields, expected):
    with pytest.raises(ValidationError) as caught:
        Adam(**fields)
    errors = {error["loc"]: error["type"] for error in caught.value.errors()}
    assert errors == expected
