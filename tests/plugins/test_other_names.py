"""The names of other libraries that components declare: each leads to one thing that exists."""

from __future__ import annotations

import pytest

from declnet import default_registry
from declnet.spec.data_section import DataSpec
from declnet.spec.model import ModelSpec, RunSpec, TrainingSpec

KINDS = [each for each in default_registry().kinds() if each not in ("kernel", "translation")]


@pytest.mark.parametrize("kind", KINDS)
def test_other_types_are_no_types_and_lead_to_one(kind):
    entries = list(default_registry().entries(kind))
    meant: dict[str, set[str]] = {}
    for each in entries:
        for other in vars(each.component).get("other_types", ()):
            assert other not in {each.type for each in entries}
            meant.setdefault(other.casefold().replace("_", ""), set()).add(each.type)
    assert [other for other, types in meant.items() if len(types) > 1] == []


def sections_and_components():
    components = (each.component for kind in KINDS for each in default_registry().entries(kind))
    return [RunSpec, DataSpec, ModelSpec, TrainingSpec, *components]


@pytest.mark.parametrize("model", sections_and_components(), ids=lambda each: each.__name__)
def test_other_keys_are_no_fields_and_lead_to_fields_or_hints(model):
    assert not vars(model).get("other_keys", {}).keys() & model.model_fields.keys()
    for base in model.__mro__:
        for written, here in vars(base).get("other_keys", {}).items():
            assert {written, here} & model.model_fields.keys() or " " in here
