"""Fields of components: names, help, and strict numbers."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from declnet import Initializer, Schedule
from declnet.contracts.component import Component
from declnet.registry.discovery import default_registry
from declnet_plugins.standard.layers.dense import Dense
from declnet_plugins.standard.optimizers.sgd import SGD
from declnet_plugins.standard.regularizers import L2
from declnet_plugins.standard.schedules import Constant


def test_the_help_for_a_missing_key_says_what_to_write():
    registry, checked = default_registry(), 0
    for entry in list(registry.entries()):
        component = registry.find(entry.kind, entry.type)
        if not issubclass(component, Component):
            continue
        required = [key for key, field in component.model_fields.items() if field.is_required()]
        for key in required:
            table = {**component.examples[0], "type": entry.type}
            with pytest.raises(ValidationError) as caught:
                component.model_validate({name: table[name] for name in table if name != key})
            (error,) = (error for error in caught.value.errors() if error["loc"] == (key,))
            words = f'add {key} = (…|"…"|\\[ … \\]), \\w.*'
            assert re.fullmatch(words, error["ctx"]["hint"]), (component, error["ctx"]["hint"])
            checked += 1
    assert checked > 40


def test_one_name_means_different_classes_in_different_kinds():
    schedule = Schedule.from_declaration({"type": "constant", "value": 0.5})
    initializer = Initializer.from_declaration({"type": "constant", "value": 0.5})
    assert type(schedule) is Constant
    assert type(initializer) is not Constant


def test_fields_take_names_tables_and_instances_in_python_too():
    layer = Dense(units=2, weight_regularizer={"type": "l2", "strength": 1.0})
    assert layer == Dense(units=2, weight_regularizer=L2(strength=1.0))
    assert Dense(units=2, bias_initializer="ones").bias_initializer.type == "ones"
    assert SGD(learning_rate={"type": "constant", "value": 0.1}).rate(5, 100) == 0.1


@pytest.mark.parametrize("value", ["1.0", True, float("nan"), float("inf"), -1.0, None])
def test_numbers_are_strict_and_finite(value):
    with pytest.raises(ValidationError):
        L2(strength=value)
