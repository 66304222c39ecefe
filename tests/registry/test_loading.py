"""Plugin modules, valid and invalid, loaded through the hook."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from declnet import Registry, RegistryError, Schedule, hookimpl
from declnet.registry.discovery import load
from declnet.registry.plugin import Plugin

PLUGIN = Plugin("waves", "package-waves", "3.1")


def loaded(**names):
    registry = Registry()
    load(SimpleNamespace(**names), PLUGIN, registry)
    return registry


def test_a_rejected_class_is_a_failure_and_the_others_are_registered(make_schedule):
    @hookimpl
    def declnet_register(register):
        register(make_schedule("cosine"))
        register(int)
        register(make_schedule("cosine"))
        register(make_schedule("step"))

    registry = loaded(declnet_register=declnet_register)
    assert [(entry.type, entry.plugin) for entry in registry.entries()] == [
        ("cosine", PLUGIN),
        ("step", PLUGIN),
    ]
    assert [failure.plugin for failure in registry.failures] == [PLUGIN, PLUGIN]
    assert "not a component class" in registry.failures[0].cause
    assert "registered twice" in registry.failures[1].cause
    assert (registry.failures[1].kind, registry.failures[1].type) == ("schedule", "cosine")


def test_plugins_do_not_see_each_other(make_schedule):
    """A wrapper runs only around its own plugin's hooks; an error in one does not end others."""

    def raising(register):
        register(make_schedule("cosine"))
        raise ZeroDivisionError

    def around(register):
        wrapped.append(register)
        return (yield)

    def good(register):
        register(make_schedule("step"))

    registry, wrapped = Registry(), []
    outer = {"specname": "declnet_register", "wrapper": True, "tryfirst": True}
    modules = {
        "a": SimpleNamespace(declnet_register=hookimpl(raising)),
        "b": SimpleNamespace(around=hookimpl(**outer)(around)),
        "c": SimpleNamespace(declnet_register=hookimpl(good)),
    }
    with pytest.raises(ZeroDivisionError):
        load(modules["a"], Plugin("a"), registry)
    load(modules["b"], Plugin("b"), registry)
    load(modules["c"], PLUGIN, registry)
    assert len(wrapped) == 1
    assert [(entry.type, entry.plugin.name) for entry in registry.entries()] == [
        ("cosine", "a"),
        ("step", "waves"),
    ]


def test_a_class_announced_lazily_is_imported_when_it_is_needed():
    @hookimpl
    def declnet_register(register):
        register.lazily("layer", "dense", "declnet_plugins.standard.layers.dense")
        register.lazily("layer", "absent", "declnet_plugins.standard.layers.nosuch")
        register.lazily("layer", "other", "declnet_plugins.standard.layers.activations")

    registry = loaded(declnet_register=declnet_register)
    assert registry.types("layer") == ["absent", "dense", "other"]
    assert registry.find("layer", "dense").__name__ == "Dense"
    with pytest.raises(RegistryError, match="nosuch"):
        registry.find("layer", "absent")
    with pytest.raises(RegistryError, match='activations defines no layer "other"'):
        registry.find("layer", "other")
    assert [entry.type for entry in registry.entries("layer")] == ["dense"]
    assert len(registry.failures) == 2


@pytest.mark.parametrize("lazily", [False, True])
@pytest.mark.parametrize(
    ("version", "hint"),
    [
        (None, r'pip install --upgrade package-waves, or pip install "declnet>=0.1,<0.4"'),
        (1, r'pip install --upgrade package-waves, or pip install "declnet>=0.1,<0.4"'),
        (2, None),
        (3, 'pip install "declnet>0.4"'),
    ],
)
def test_a_plugin_for_another_contract_is_refused_with_what_to_install(
    make_schedule, monkeypatch, version, hint, lazily
):
    cosine, module = make_schedule("cosine"), ModuleType("waves_of_a_contract")
    module.Cosine = cosine
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(Schedule, "contract_releases", ("0.1", "0.4"))
    versions = {} if version is None else {"contract_version": version}

    @hookimpl
    def declnet_register(register):
        if lazily:
            register.lazily("schedule", "cosine", module.__name__, **versions)
        else:
            register(cosine, **versions)

    registry = loaded(declnet_register=declnet_register)
    if hint is None:
        assert registry.find("schedule", "cosine") is cosine
        return
    with pytest.raises(RegistryError, match='"cosine" cannot be loaded') as caught:
        registry.find("schedule", "cosine")
    (failure,) = registry.failures
    assert (failure.kind, failure.type, failure.plugin) == ("schedule", "cosine", PLUGIN)
    for text in (failure.cause, str(caught.value)):
        assert f"Cosine was written for version {version or 1} of the contract Schedule, " in text
        assert hint in text
    assert "waves (package-waves 3.1)" in str(caught.value)
