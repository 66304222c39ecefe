from __future__ import annotations

import pytest
from pydantic import BaseModel

from declnet import Registry, RegistryError, Schedule, UnknownTypeError
from declnet.registry.entry import Entry
from declnet.registry.plugin import LOCAL, Plugin, PluginFailure

ONE, OTHER = Plugin("a", "package-a", "1.0"), Plugin("b", "package-b", "2.0")
SAME, THIRD = Plugin("more", "package-a", "1.0"), Plugin("c", "package-c", "3.0")
OWN = Plugin("schedules", "declnet", "0.1.0")


@pytest.fixture
def offered(make_schedule):
    """A registry in which several plugins offer one schedule, and their classes by plugin."""

    def offer(*plugins, name="cosine"):
        registry, classes = Registry(), {}
        for plugin in plugins:
            classes[plugin] = make_schedule(name)
            registry.register(classes[plugin], plugin)
        return registry, classes

    return offer


@pytest.mark.parametrize("plugins", [(ONE, ONE), (ONE, SAME), (ONE, LOCAL), (LOCAL, ONE)])
def test_a_type_is_registered_once_by_a_distribution_or_a_program(offered, make_schedule, plugins):
    first, second = plugins
    registry, classes = offered(first)
    with pytest.raises(RegistryError) as caught:
        registry.register(make_schedule("cosine"), second)
    assert str(caught.value) == (
        f'schedule "cosine" is registered twice: by {first} and by {second}'
    )
    assert registry.find("schedule", "cosine") is classes[first]


def test_the_listed_distribution_decides_only_in_a_view(offered):
    registry, classes = offered(ONE, OTHER)
    view = registry.preferring(["Package_B", "numpy"])
    assert view.find("schedule", "cosine") is classes[OTHER]
    assert [entry.plugin for entry in view.entries()] == [OTHER]
    assert registry.preferring([]) is registry
    with pytest.raises(UnknownTypeError):
        registry.find("schedule", "cosine")
    later = object()
    registry.failures.append(later)
    assert view.failures == [later]


def test_only_the_listed_distributions_are_named(offered):
    registry, _ = offered(ONE, OTHER, THIRD)
    with pytest.raises(
        UnknownTypeError, match=r"package-a 1\.0, package-b 2\.0 and package-c 3\.0"
    ):
        registry.find("schedule", "cosine")
    with pytest.raises(UnknownTypeError, match=r"by package-a 1\.0 and package-c 3\.0"):
        registry.preferring(["package-c", "package-a"]).find("schedule", "cosine")


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ([], OWN),
        (["package-x"], OWN),
        (["declnet"], OWN),
        (["package-b"], OTHER),
        (["declnet", "package-b"], OTHER),
    ],
)
def test_declnets_class_comes_first_unless_another_is_listed(offered, listed, expected):
    registry, classes = offered(OTHER, OWN)
    view = registry.preferring(listed)
    assert view.find("schedule", "cosine") is classes[expected]
    assert [conflict.chosen for conflict in view.conflicts()] == [expected]


BROKEN = "a_module_that_nobody_has"


def test_a_broken_component_is_not_replaced_by_another(offered):
    """The spec names this component, so a working one is not used instead."""
    registry, _ = offered(OTHER)
    registry.add(Entry("schedule", "cosine", ONE, BROKEN))
    for view in (registry.preferring(["package-a"]), registry.preferring(["package-a"])):
        with pytest.raises(UnknownTypeError, match=r"a \(package-a 1\.0\) has it, but") as caught:
            view.find("schedule", "cosine")
        assert caught.value.code == "E016"
    assert len(registry.failures) == 1
    assert registry.preferring(["package-b"]).entry("schedule", "cosine").plugin == OTHER


def test_a_working_component_is_found_next_to_a_broken_one(offered):
    registry, classes = offered(OTHER)
    registry.add(Entry("schedule", "cosine", ONE, BROKEN))
    assert registry.find("schedule", "cosine") is classes[OTHER]
    assert [failure.plugin for failure in registry.failures] == [ONE]
    assert registry.offering("schedule", "cosine") == (OTHER, ONE)


def test_only_the_recorded_distribution_is_used(offered):
    registry, classes = offered(ONE, OTHER)
    recorded = registry.as_recorded({("schedule", "cosine"): Plugin("", "package-b", "1.5")})
    for view in (recorded, recorded.preferring(["package-a"])):
        assert view.find("schedule", "cosine") is classes[OTHER]
    gone = registry.as_recorded({("schedule", "cosine"): Plugin("", "package-c", "3.0")})
    assert list(gone.entries()) == []
    with pytest.raises(UnknownTypeError) as caught:
        gone.find("schedule", "cosine")
    assert (caught.value.code, caught.value.hint) == (
        "E015",
        'it came from package-c 3.0: pip install "package-c==3.0"',
    )


def test_the_failure_of_the_recorded_distribution_is_the_cause():
    registry = Registry()
    for plugin, cause in ((ONE, "KeyError: 1"), (OTHER, "KeyError: 2")):
        registry.failures.append(PluginFailure(plugin, cause, "schedule", "cosine"))
    recorded = registry.as_recorded({("schedule", "cosine"): OTHER})
    with pytest.raises(UnknownTypeError, match="KeyError: 2") as caught:
        recorded.find("schedule", "cosine")
    assert caught.value.code == "E016"


class Untyped(Schedule):
    def rate(self, step, total):
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
def test_a_class_that_breaks_its_contract_is_refused(thing, message):
    registry = Registry()
    with pytest.raises(RegistryError, match=message):
        registry.register(thing)
    assert list(registry.entries()) == []
