from __future__ import annotations

import pytest
from pydantic import BaseModel

from declnet import Layer, Registry, RegistryError, Schedule, UnknownTypeError
from declnet.registry.plugin import Plugin, PluginFailure

ONE, OTHER = Plugin("a", "package-a", "1.0"), Plugin("b", "package-b", "2.0")


def test_a_class_is_found_under_its_kind_and_type(make_schedule):
    registry, cosine = Registry(), make_schedule("cosine")
    registry.register(cosine, ONE)
    assert registry.find("schedule", "cosine") is cosine
    assert registry.plugin_of(cosine) == ONE
    assert registry.kinds() == ["schedule"]


def test_one_type_may_stand_in_two_kinds(make_schedule):
    class Scale(Layer):
        type = "same"

        def forward(self, x, y, state): ...

        def backward(self, x, y, dy, dx, state): ...

    registry = Registry()
    registry.register(make_schedule("same"))
    registry.register(Scale)
    assert registry.find("layer", "same") is Scale


def test_a_taken_type_is_refused_naming_both_distributions(make_schedule):
    registry, first = Registry(), make_schedule("cosine")
    registry.register(first, ONE)
    with pytest.raises(RegistryError) as caught:
        registry.register(make_schedule("cosine"), OTHER)
    message = str(caught.value)
    assert 'schedule "cosine" is registered twice' in message
    assert "package-a 1.0" in message
    assert "package-b 2.0" in message
    assert registry.find("schedule", "cosine") is first


def test_an_unknown_type_comes_with_the_one_that_was_meant(make_schedule):
    registry = Registry()
    registry.register(make_schedule("cosine"))
    with pytest.raises(UnknownTypeError, match=r'did you mean "cosine"\?'):
        registry.find("schedule", "cosin")


def test_an_unknown_type_far_from_all_comes_with_those_that_there_are(make_schedule):
    registry = Registry()
    registry.register(make_schedule("cosine"))
    registry.register(make_schedule("step"))
    with pytest.raises(UnknownTypeError, match="installed schedules: cosine, step"):
        registry.find("schedule", "zzzzzz")
    with pytest.raises(UnknownTypeError, match="installed layers: none"):
        registry.find("layer", "dense")


def test_an_unknown_type_that_a_broken_plugin_had_comes_with_its_cause():
    registry = Registry()
    registry.failures.append(PluginFailure(ONE, "RegistryError: no rate()", "schedule", "cosine"))
    with pytest.raises(UnknownTypeError) as caught:
        registry.find("schedule", "cosine")
    assert caught.value.code == "E016"
    assert "package-a 1.0" in caught.value.hint
    assert "no rate()" in caught.value.hint


def test_an_unknown_type_may_belong_to_a_plugin_that_did_not_load():
    registry = Registry()
    registry.failures.append(PluginFailure(ONE, "ImportError: no module named zlib2"))
    with pytest.raises(UnknownTypeError) as caught:
        registry.find("schedule", "cosine")
    assert caught.value.code == "E015"
    assert caught.value.hint == (
        "it may belong to a broken plugin, plugin a (package-a 1.0): ImportError: no module named "
        "zlib2; installed schedules: none"
    )


def test_several_plugins_that_did_not_load_are_named_before_all_that_may_be_long():
    registry = Registry()
    registry.failures += [
        PluginFailure(ONE, "ImportError: x" * 50),
        PluginFailure(OTHER, "y"),
        PluginFailure(OTHER, "z"),
    ]
    registry.disabled.append(Plugin("c", "package-c", "3.0"))
    with pytest.raises(UnknownTypeError) as caught:
        registry.find("schedule", "cosine")
    assert caught.value.hint == (
        "disabled plugins: c (package-c 3.0); it may belong to a broken plugin "
        "(a (package-a 1.0), b (package-b 2.0)); `declnet plugins` says why; "
        "installed schedules: none"
    )


def test_a_type_of_another_kind_is_said_to_be_one(make_schedule):
    registry = Registry()
    registry.register(make_schedule("cosine"))
    with pytest.raises(UnknownTypeError) as caught:
        registry.find("optimizer", "cosine")
    assert caught.value.message == 'optimizer type "cosine" is not installed'
    assert caught.value.hint == '"cosine" is a schedule; installed optimizers: none'


class Untyped(Schedule):
    def rate(self, step):
        return 1.0


class Unfinished(Schedule):
    type = "unfinished"


class NoContract(BaseModel):
    strength: float = 1.0


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (Untyped, "Untyped has no type"),
        (Unfinished, r"Unfinished has no rate\(\), which a schedule needs"),
        (NoContract, "not a component class"),
        (Schedule, "Schedule has no type"),
        (int, "not a component class"),
        ("a string", "not a component class"),
        (Unfinished(), "not a component class"),
    ],
)
def test_what_breaks_its_contract_is_refused_and_not_kept(thing, message):
    registry = Registry()
    with pytest.raises(RegistryError, match=message):
        registry.register(thing)
    assert list(registry.entries()) == []


def test_entries_come_by_kind_and_type(make_schedule):
    registry = Registry()
    for name in ("step", "cosine"):
        registry.register(make_schedule(name))
    assert [entry.type for entry in registry.entries()] == ["cosine", "step"]
    assert list(registry.entries("layer")) == []
