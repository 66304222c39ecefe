"""Translations and exporters: required declarations, and the lookup by class."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet import Layer, Registry, RegistryError
from declnet.registry.entry import Entry
from declnet.registry.plugin import Plugin
from declnet_plugins.exchange import Translation
from declnet_plugins.exchange.plain_names import plain_names
from declnet_plugins.exchange.translating import find_translation


class Same(Layer):
    type = "same"

    def forward(self, x, y, state):
        y[...] = x

    def backward(self, x, y, dy, dx, state):
        dx[...] = dy


class Derived(Same):
    type = "derived"


class First(Translation):
    type = "z_first"
    format = "own"
    replaces = (Same,)

    def translate(self, component, site):
        return site.inputs


class Second(First):
    type = "a_second"


class Other(First):
    type = "other"
    format = "another"


def test_the_first_translation_of_the_format_and_exact_class_is_found():
    registry = Registry()
    for translation in (Other, First, Second):
        registry.register(translation)
    translation, _ = find_translation(registry, "own", Same())
    assert type(translation) is First
    assert find_translation(registry, "own", Derived()) is None
    assert find_translation(registry, "none", Same()) is None


def test_only_translations_of_the_format_and_type_are_imported():
    registry, plugin = Registry(), Plugin("far", "declnet-far", "1")
    missing = "no_such_package"
    registry.add(Entry("translation", "a", plugin, missing, ("same",), "another"))
    registry.add(Entry("translation", "b", plugin, missing, ("dense",), "own"))
    registry.register(First)
    assert find_translation(registry, "own", Same()) is not None
    assert registry.failures == []
    assert find_translation(registry, "another", Same()) is None
    assert [entry.type for entry in registry.failures] == ["a"]


def test_an_announced_translation_must_have_its_format():
    registry, plugin = Registry(), Plugin("far", "declnet-far", "1")
    registry.add(Entry("translation", "z_first", plugin, __name__, ("same",), "another"))
    assert list(registry.covering("translation", "same", "another")) == []
    assert 'writes the format "own"' in str(registry.failures[0])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"format": ""}, "has no format"),
        ({"replaces": ()}, "replaces is empty"),
        ({"replaces": (Layer,)}, "replaces has Layer, but it names classes"),
        ({"replaces": (First,)}, "replaces has First, but it names classes"),
        ({"__annotations__": {"opset": int}, "opset": 3}, "has the fields opset"),
    ],
)
def test_wrong_translations_are_refused(values, message):
    wrong = type("Wrong", (First,), {"type": "wrong", "__module__": __name__, **values})
    with pytest.raises(RegistryError, match=message):
        wrong.verify_contract()


@given(st.lists(st.text() | st.from_regex(r"[a-z0-9_ */]{1,3}|a{38,44}", fullmatch=True)))
def test_names_in_a_file_are_distinct_and_plain(texts):
    names = plain_names(texts)
    assert names.keys() == set(texts)
    assert len(set(names.values())) == len(names)
    for text, name in names.items():
        assert re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name)
        assert len(name) <= 40 + len("_999")
        if re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,39}", text):
            assert name == text  # independent of the other names
