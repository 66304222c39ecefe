"""Names from other libraries that components declare: each leads to exactly one name."""

from __future__ import annotations

import pytest

from declnet import default_registry
from declnet.spec.data_section import DataSpec
from declnet.spec.model import ModelSpec, RunSpec, TrainingSpec

KINDS = [kind for kind in default_registry().kinds() if kind not in ("kernel", "translation")]


@pytest.mark.parametrize("kind", KINDS)
def test_other_types_are_unregistered_and_lead_to_one_type(kind):
    entries = list(default_registry().entries(kind))
    types = {entry.type for entry in entries}
    meant: dict[str, set[str]] = {}
    for entry in entries:
        for other in vars(entry.component).get("other_types", ()):
            assert other not in types
            meant.setdefault(other.casefold().replace("_", ""), set()).add(entry.type)
    assert [other for other, meanings in meant.items() if len(meanings) > 1] == []


def sections_and_components():
    components = (entry.component for kind in KINDS for entry in default_registry().entries(kind))
    return [RunSpec, DataSpec, ModelSpec, TrainingSpec, *components]


@pytest.mark.parametrize("model", sections_and_components(), ids=lambda model: model.__name__)
def test_other_keys_are_not_fields_and_lead_to_fields_or_hints(model):
    assert not vars(model).get("other_keys", {}).keys() & model.model_fields.keys()
    for base in model.__mro__:
        for written, here in vars(base).get("other_keys", {}).items():
            assert {written, here} & model.model_fields.keys() or " " in here
